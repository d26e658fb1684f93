package enter

const sysSetns = 308 // setns(2)
