package kernel

const sysStatx = 291 // statx(2)
