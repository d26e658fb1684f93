package main

import (
	"io"

	"github.com/spf13/cobra"
)

// bashWithoutPackage is what cobra's script calls of the package
// bash-completion, for a bash that has not loaded it. Words are what stands
// between blanks, so that --flag=value and a:b stay one.
const bashWithoutPackage = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        local line=${COMP_LINE:0:COMP_POINT}
        read -ra words <<<"$line"
        [[ $line == *[[:blank:]] ]] && words+=("")
        cword=$((${#words[@]} - 1))
        cur=${words[cword]}
        prev=${words[cword - 1]}
    }
fi
if ! declare -F _filedir >/dev/null; then
    _filedir() {
        local kind=-f
        [[ $1 == -d ]] && kind=-d
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen "$kind" -- "$cur")
    }
fi

`

// writeBashCompletion writes a script that needs nothing but bash.
func writeBashCompletion(root *cobra.Command, w io.Writer) error {
	if _, err := io.WriteString(w, bashWithoutPackage); err != nil {
		return err
	}
	return root.GenBashCompletionV2(w, true)
}
