package tui

import (
	"errors"
	"strconv"
	"strings"

	"aquarium/runtime/spec"
)

// commandLine is the `aquarium run` that does what the options say.
func commandLine(o spec.Options) string {
	words := []string{"aquarium", "run"}
	flag := func(set bool, name string) {
		if set {
			words = append(words, name)
		}
	}
	value := func(name, value string) {
		if value != "" {
			words = append(words, name, value)
		}
	}
	value("--name", o.Name)
	flag(o.Remove, "--rm")
	switch {
	case o.TTY && o.Interactive:
		words = append(words, "-it")
	default:
		flag(o.TTY, "-t")
		flag(o.Interactive, "-i")
	}
	if o.RootSwitch != spec.PivotRoot {
		value("--root-switch", string(o.RootSwitch))
	}
	if o.Network != spec.NoNetwork {
		value("--network", string(o.Network))
	}
	value("--userns", string(o.UserNS))
	value("--memory", sizeText(o.Memory))
	if o.CPUs != 0 {
		value("--cpus", strconv.FormatFloat(o.CPUs, 'g', -1, 64))
	}
	if o.Pids != 0 {
		value("--pids", strconv.FormatInt(o.Pids, 10))
	}
	for _, u := range o.Ulimits {
		value("--ulimit", u)
	}
	value("--scrollback", sizeText(o.Scrollback))
	value("--share", strings.Join(o.Share, ","))
	value("--hostname", o.Hostname)
	for _, e := range o.Env {
		value("-e", e)
	}
	value("-w", o.Workdir)
	value("-u", o.User)
	for _, v := range o.Volumes {
		value("-v", v)
	}
	flag(o.ReadOnly, "--read-only")
	flag(o.Writable, "--writable")
	flag(o.Init, "--init")
	flag(o.NoProc, "--no-proc")
	value("--cap-add", strings.Join(o.CapAdd, ","))
	value("--cap-drop", strings.Join(o.CapDrop, ","))
	if o.Unconfined {
		value("--security-opt", "seccomp=unconfined")
	}
	flag(o.Stepped, "--step")
	flag(o.WhatIf, "--what-if")
	words = append(words, o.Rootfs)
	words = append(words, o.Command...)
	return quoteWords(words)
}

// sizeText is a number of bytes as spec.ParseSize reads it, "" for none.
func sizeText(n int64) string {
	if n == 0 {
		return ""
	}
	unit := 0
	for n%1024 == 0 && unit < len(sizeUnits) {
		n, unit = n/1024, unit+1
	}
	text := strconv.FormatInt(n, 10)
	if unit > 0 {
		text += sizeUnits[unit-1 : unit]
	}
	return text
}

const sizeUnits = "KMGT"

// quoteWords writes words so that a POSIX shell reads them back.
func quoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quoteWord(word)
	}
	return strings.Join(quoted, " ")
}

const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+"

func quoteWord(word string) string {
	if word != "" && strings.Trim(word, plainInShell) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// splitWords reads words as a POSIX shell does, with quotes and backslashes
// and nothing else: no variables, no globs.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote := byte(0) // ' or " while within
	inWord, escaped := false, false
	for i := range len(line) {
		c := line[i]
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(c)
			escaped = false
		case c == '\\' && quote != '\'':
			inWord, escaped = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			inWord, quote = true, c
		case quote == 0 && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
