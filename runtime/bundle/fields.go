package bundle

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// supported are the fields of a configuration that are done, or checked. All
// below a field counts with it.
var supported = map[string]bool{
	"ociVersion": true, "hostname": true, "annotations": true, "root": true,
	"mounts.destination": true, "mounts.type": true, "mounts.source": true, "mounts.options": true,

	"process.terminal": true, "process.consoleSize": true, "process.user": true, "process.args": true, "process.env": true, "process.cwd": true,
	"process.capabilities": true, "process.rlimits": true, "process.noNewPrivileges": true, "process.oomScoreAdj": true,

	"linux.namespaces": true, "linux.uidMappings": true, "linux.gidMappings": true, "linux.sysctl": true, "linux.seccomp": true,
	"linux.maskedPaths": true, "linux.readonlyPaths": true, "linux.rootfsPropagation": true, "linux.cgroupsPath": true,
	"linux.resources.devices": true, "linux.resources.memory.limit": true, "linux.resources.memory.swap": true,
	"linux.resources.cpu.quota": true, "linux.resources.cpu.period": true, "linux.resources.pids": true,
}

// reasons are why a field is not supported, where there is more to say.
var reasons = map[string]string{
	"hooks":                "programs of the host are not run for a sandbox",
	"linux.devices":        "a sandbox has the usual devices, and no others",
	"process.commandLine":  "that is Windows",
	"vm":                   "a sandbox is no virtual machine",
	"linux.timeOffsets":    "a sandbox has the host's time",
	"linux.netDevices":     "a sandbox gets no interface of the host's",
	"mounts.uidMappings":   "owners are shifted with --userns auto, not in a bundle",
	"mounts.gidMappings":   "owners are shifted with --userns auto, not in a bundle",
	"process.selinuxLabel": "Aquarium sets no labels",
	"linux.mountLabel":     "Aquarium sets no labels",
	"linux.intelRdt":       "there are limits on memory, processors and processes",
}

// refuseUnsupported finds a field that says something and is not supported.
// name is the field's without the numbers of array elements, which shown has.
func refuseUnsupported(v reflect.Value, name, shown string) error {
	if supported[name] || !says(v) {
		return nil
	}
	if why, known := reasons[name]; known {
		return refusal(shown, why)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.Elem().Kind() == reflect.Struct {
			return refuseUnsupported(v.Elem(), name, shown)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := jsonName(v.Type().Field(i))
			if err := refuseUnsupported(v.Field(i), join(name, field), join(shown, field)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				if err := refuseUnsupported(v.Index(i), name, fmt.Sprintf("%s[%d]", shown, i)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return refusal(shown, "not supported")
}

// says tells whether a value says anything: an empty list or object does not,
// nor false, nor 0 where it is the same as nothing.
func says(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		kind := v.Type().Elem().Kind()
		return !v.IsNil() && (kind != reflect.Struct && kind != reflect.Bool || says(v.Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			if says(v.Field(i)) {
				return true
			}
		}
		return false
	case reflect.Slice, reflect.Map:
		return v.Len() > 0
	}
	return !v.IsZero()
}

// unknown lists the properties of a document that its Go type does not have.
func unknown(document any, t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var list []string
	switch value := document.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for i, element := range value {
				list = append(list, unknown(element, t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if field, ok := fieldOf(t, key); ok {
				list = append(list, unknown(value[key], field, join(path, key))...)
			} else {
				list = append(list, join(path, key))
			}
		}
	}
	return list
}

// fieldOf finds a field by its name in a document, as encoding/json does.
func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if field := t.Field(i); strings.EqualFold(jsonName(field), key) {
			return field.Type, true
		}
	}
	return nil, false
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
