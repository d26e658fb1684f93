package step

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// fill gives every field of a value something that is not its zero value.
func fillValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("/some \"text\"")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fillValue(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fillValue(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	default:
		panic("no value for a " + v.Kind().String())
	}
}

func TestEveryOperationSurvivesJSON(t *testing.T) {
	t.Parallel()
	for _, known := range operations {
		kind := reflect.TypeOf(known).Elem()
		t.Run(kind.Name(), func(t *testing.T) {
			t.Parallel()
			op := reflect.New(kind)
			fillValue(op.Elem())
			want := Step{InitActor, "why", "man(2)", "mnt", op.Interface().(Op)}
			document, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got Step
			if err := json.Unmarshal(document, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s became %#v, was %#v", document, got.Op, want.Op)
			}
			if got.Call() == "" || got.Call() != want.Call() {
				t.Errorf("its call became %q, was %q", got.Call(), want.Call())
			}
		})
	}
}

func TestUnknownOperationIsRefused(t *testing.T) {
	t.Parallel()
	var s Step
	if err := json.Unmarshal([]byte(`{"op":"Reboot","args":{}}`), &s); err == nil || !strings.Contains(err.Error(), `"Reboot"`) {
		t.Errorf("the error is %v, want one that names the operation", err)
	}
}

func TestCallsAreC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		op   Op
		want string
	}{
		{&Mount{Source: "proc", Target: "/proc", Type: "proc", Flags: 0x2 | 0x4 | 0x8}, `mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)`},
		{&Mount{Target: "/", Flags: 0x4000 | 0x40000}, `mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL)`},
		{&Mount{Source: "a", Target: "/b", Flags: 1 << 27}, `mount("a", "/b", NULL, 0x8000000, NULL)`},
		{&Clone{Flags: 0x20000000}, `clone(CLONE_NEWPID|SIGCHLD)`},
		{&Clone{}, `clone(SIGCHLD)`},
		{&Umount{Target: ".", Flags: 2}, `umount2(".", MNT_DETACH)`},
		{&Exec{Argv: []string{"/bin/echo", "a\nb"}}, `execve("/bin/echo", ["/bin/echo", "a\nb"], envp)`},
		{&User{Spec: "5:6"}, `setresuid(5, 5, 5)`},
		{&User{Spec: "fish"}, `setresuid(uid, uid, uid)`},
		{&Umask{Mask: 0o22}, `umask(022)`},
	} {
		if got := (Step{Op: c.op}).Call(); got != c.want {
			t.Errorf("%#v is %s, want %s", c.op, got, c.want)
		}
	}
}

func FuzzPlan(f *testing.F) {
	for _, known := range operations {
		op := reflect.New(reflect.TypeOf(known).Elem())
		fillValue(op.Elem())
		document, err := json.Marshal(Plan{Steps: []Step{{InitActor, "why", "man(2)", "", op.Interface().(Op)}}, Stepped: true})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Add([]byte(`{"steps":[null]}`))
	f.Add([]byte(`{"steps":[{"op":"Exec","args":null}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		var plan Plan
		if json.Unmarshal(document, &plan) != nil {
			return
		}
		text := plan.Text() // whatever it holds, it can be shown
		again, err := json.Marshal(plan)
		if err != nil {
			t.Fatalf("a plan that was read cannot be written: %v", err)
		}
		var twin Plan
		if err := json.Unmarshal(again, &twin); err != nil {
			t.Fatalf("a plan that was written cannot be read: %v", err)
		}
		if twin.Text() != text {
			t.Errorf("the plan %s changed on its way", document)
		}
	})
}

func FuzzFirstReport(f *testing.F) {
	f.Add([]byte(`{"before":3,"events":[{"seq":1,"errno":0,"took":5}]}{"events":[]}`))
	f.Add([]byte(`{"before":`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, rest, ok := firstReport(stream)
		if !ok && len(rest) != len(stream) {
			t.Errorf("%d bytes are gone without a report", len(stream)-len(rest))
		}
		if ok && len(rest) >= len(stream) {
			t.Errorf("a report took none of %d bytes", len(stream))
		}
	})
}
