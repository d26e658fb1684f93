package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// greedy opens that many new terminals, says how many it got, and keeps them.
func greedy(arguments []string) {
	want, err := strconv.Atoi(arguments[0])
	must(err)
	var open int
	for open < want {
		if _, err := syscall.Open("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
			break
		}
		open++
	}
	fmt.Println(open)
	for {
		syscall.Pause()
	}
}
