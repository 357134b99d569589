package audit

import "testing"

func TestAmongFew(t *testing.T) {
	var hashes []uint64
	for n, hash := range map[int]uint64{1: 7, 4: 3, 5: 9, 6: 1} {
		for range n {
			hashes = append(hashes, hash)
		}
	}
	if alone, few := among(hashes); alone != 1 || few != 5 {
		t.Errorf("%d alone and %d of fewer than 5, want 1 and 5", alone, few)
	}
	if alone, few := among(nil); alone+few != 0 {
		t.Errorf("of none, %d are alone and %d among few", alone, few)
	}
}
