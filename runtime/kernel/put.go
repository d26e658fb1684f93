package kernel

import "syscall"

// Put writes a value to a file that is there, with one write(2), as the files
// of control groups want it.
func Put(path, value string) error {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	_, err = syscall.Write(fd, []byte(value))
	return err
}
