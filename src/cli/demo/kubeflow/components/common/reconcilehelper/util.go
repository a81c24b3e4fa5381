// Package reconcilehelper compares what is with what should be.
package reconcilehelper

// CopyLabels takes over the labels of want and says whether anything changed.
func CopyLabels(want, have map[string]string) bool {
	changed := false
	for key, value := range want {
		if have[key] != value {
			have[key] = value
			changed = true
		}
	}
	return changed
}
