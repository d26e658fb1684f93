package observe

// sysSetns is the number of setns(2), which package syscall lacks.
const sysSetns = 268
