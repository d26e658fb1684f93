package kernel

const sysExecveat = 322 // execveat(2)
