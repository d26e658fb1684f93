package kernel

const sysStatx = 332 // statx(2)
