package enter

import "slices"

// sights is what a process sees by each kind of namespace.
var sights = [...]struct{ kind, sees string }{
	{"user", "users and capabilities"}, {"cgroup", "the cgroup root"}, {"ipc", "System V objects and POSIX queues"}, {"uts", "the hostname"},
	{"net", "interfaces, addresses, ports"}, {"pid", "process numbers"}, {"time", "boot and monotonic clocks"}, {"mnt", "files"},
}

// Explain says in words what a program sees that joins namespaces of these
// kinds and no others: one sentence for what is the target's, one for what
// stays its own, and one for each mix that surprises people. Chrooted tells
// that the target changed its root by chroot(2) alone, and root that the
// program changes to the target's root too.
func Explain(kinds []string, chrooted, root bool) []string {
	var theirs, own string
	for _, s := range sights {
		list := &own
		if slices.Contains(kinds, s.kind) {
			list = &theirs
		}
		if *list != "" {
			*list += "; "
		}
		*list += s.kind + ": " + s.sees
	}
	var words []string
	if theirs != "" {
		words = append(words, "the target's: "+theirs)
	}
	if own != "" {
		words = append(words, "still yours: "+own)
	}
	return append(words, surprises(kinds, chrooted, root)...)
}

func surprises(kinds []string, chrooted, root bool) (words []string) {
	has := func(kind string) bool { return slices.Contains(kinds, kind) }
	say := func(when bool, what string) {
		if when {
			words = append(words, what)
		}
	}
	say(has("pid") && !has("mnt"), "ps reads your /proc, so it shows your processes, by your numbers")
	say(has("mnt") && !has("pid"), "ps reads the target's /proc, in which the program itself does not appear: /proc/self leads nowhere")
	say(has("mnt") && chrooted && !root, "the target changed its root by chroot, which its mount namespace knows nothing of: you land in the root of the host")
	say(has("net") && !has("mnt"), "/etc/resolv.conf is yours, though the addresses in it may not be reachable from there")
	say(has("net") && !has("mnt"), "/sys/class/net shows your interfaces: /sys was mounted in your network")
	say(has("user") && !has("mnt"), "as root of the target's user namespace you may do less with your own files than before")
	say(has("mnt") && !has("user"), "files show the owners as your user namespace numbers them")
	return words
}

// NsenterCommand is the command line of nsenter(1) that does the same.
func NsenterCommand(pid string, kinds []string, root, dir bool, argv []string) []string {
	command := []string{"nsenter", "-t", pid}
	for _, flag := range []struct{ kind, short string }{
		{"mnt", "-m"}, {"uts", "-u"}, {"ipc", "-i"}, {"net", "-n"}, {"pid", "-p"}, {"user", "-U"}, {"cgroup", "-C"}, {"time", "-T"},
	} {
		if slices.Contains(kinds, flag.kind) {
			command = append(command, flag.short)
		}
	}
	if root {
		command = append(command, "-r")
	}
	if dir {
		command = append(command, "-w")
	}
	return append(command, argv...)
}
