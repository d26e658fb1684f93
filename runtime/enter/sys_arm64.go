package enter

const sysSetns = 268 // setns(2)
