package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOperatorsChangeOneThingEach(t *testing.T) {
	t.Parallel()
	const text = `package p

func f(a, b int, ok bool) (int, error) {
	if err := g(); err != nil {
		return 0, err
	}
	if !ok && a < b {
		a++
	}
	return a + 1, nil
}
`
	found, err := operatorsOf("p.go", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, short(m.old)+" → "+short(m.new))
		if changed := string(m.apply([]byte(text))); changed == text {
			t.Errorf("%s changes nothing", got[len(got)-1])
		}
	}
	slices.Sort(got)
	want := []string{
		"!= → ==", "&& → ||", "+ → -", "0 → 1", "1 → 2", "< → <=", "< → >=",
		"a++ → nothing", "{ a++ } → {}", "{ return 0, err } → {}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the changes are\n%s", strings.Join(got, "\n"))
	}
}

// A line that no longer applies tests nothing: a change of the code changes the line too.
func TestEveryLineOfTheListApplies(t *testing.T) {
	t.Parallel()
	all, wrong, err := readList("../..", "list.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range wrong {
		t.Error(problem)
	}
	if len(all) == 0 {
		t.Error("the list is empty")
	}
}

func TestHangingIsMeasuredWithoutCompiling(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"ok  \trealtime-election/election\t1.250s": 1250 * time.Millisecond,
		"ok  \ta\t0.5s\nok  \tb\t2s\nok  \tc\t1s":  2 * time.Second,
		"ok  \ta\t(cached)":                        0,
		"FAIL\ta\t3s":                              0,
	} {
		if got := testsTook(said); got != want {
			t.Errorf("%q took %s, expected %s", said, got, want)
		}
	}
}
