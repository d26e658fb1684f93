package kernel

const sysExecveat = 281 // execveat(2)
