package kernel

// SYS_SETNS is the number of setns(2), which package syscall lacks.
const SYS_SETNS = 268
