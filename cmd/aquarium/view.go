package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

func visible(s string) string { return rootfs.Visible(s) }

func stdinIsTerminal() bool { return term.IsTerminal(os.Stdin.Fd()) }

func view(sb sandbox.Sandbox, conn *supervisor.Conn) error {
	go func() {
		b := make([]byte, 32<<10)
		for {
			n, err := os.Stdin.Read(b)
			if n > 0 {
				conn.Input(b[:n])
			}
			if err != nil {
				conn.EndOfInput()
				return
			}
		}
	}()
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			return fmt.Errorf("attach to %s: its supervisor is gone", sb.Name)
		}
		switch kind {
		case wire.Output:
			os.Stdout.Write(payload)
		case wire.Errput:
			os.Stderr.Write(payload)
		case wire.Started:
			var r wire.StartedReport
			json.Unmarshal(payload, &r)
			if r.Error != "" {
				return &sandbox.LaunchError{Name: sb.Name, Report: r}
			}
		case wire.Exit:
			var r wire.ExitReport
			json.Unmarshal(payload, &r)
			if r.Code != 0 {
				return exitCode(r.Code)
			}
			return nil
		}
	}
}
