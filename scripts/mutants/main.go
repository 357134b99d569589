// Command mutants breaks the program on purpose, one small change at a time, and prints the changes that no test notices:
//
//	go run ./scripts/mutants -list scripts/mutants/list.txt -seed 1 -drawn 30
//
// A list holds changes that tests are known to notice; others are drawn by a seed from the operators of some packages. No file of
// the tree is touched: go test reads the changed file through an overlay. Before the first change, the tests that are to notice
// run as they are, and must pass.
//
// The exit code is 1 where a change of the list survives, does not apply or does not compile, or where the tests fail by
// themselves. Drawn changes that survive are printed only.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

type config struct {
	root     string // of the module
	list     string
	services bool     // only the list's lines whose tests need a server; else only those whose tests need none
	listed   int      // how many lines of the list are drawn; 0 is all
	drawn    int      // how many changes are drawn from operators
	packages []string // of these
	seed     uint64
	workers  int
	timeout  time.Duration // of one run of tests; beyond it they are taken to hang
}

func main() {
	c := config{root: "."}
	var packages string
	flag.StringVar(&c.list, "list", "scripts/mutants/list.txt", "file of changes that must be noticed")
	flag.BoolVar(&c.services, "services", false, "take those lines of the list whose tests have -tags services, instead of the others")
	flag.IntVar(&c.listed, "listed", 0, "how many lines of the list are drawn; 0 is all")
	flag.IntVar(&c.drawn, "drawn", 0, "how many changes of operators are drawn besides")
	flag.StringVar(&packages, "packages", "election,ledger,audit,producer,internal/results,sparkjob,spark,spark/internal/protocol", "where they are drawn")
	flag.Uint64Var(&c.seed, "seed", 1, "of what is drawn")
	flag.IntVar(&c.workers, "workers", runtime.NumCPU(), "how many changes are tried at a time")
	flag.DurationVar(&c.timeout, "timeout", 2*time.Minute, "how long tests may take; what takes longer, or ten times what it takes on the tree as it is, hangs, and so is noticed")
	flag.Parse()
	c.packages = strings.Split(packages, ",")

	if !c.services {
		limitMemory()
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good, err := run(ctx, os.Stdout, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !good {
		stop()
		os.Exit(1)
	}
}

// limitMemory keeps a change that allocates without end from taking the machine's memory: it ends its tests, and so is noticed.
// Servers need more, and the changes that their tests try are chosen by hand.
func limitMemory() {
	const most = 6 << 30 // bytes of a process
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: most, Max: most})
}

// run says whether each change of the list was noticed.
func run(ctx context.Context, out io.Writer, c config) (good bool, err error) {
	begun := time.Now()
	random := rand.New(rand.NewPCG(c.seed, 0))
	mutants, wrong, err := readList(c.root, c.list)
	if err != nil {
		return false, err
	}
	for _, problem := range wrong {
		fmt.Fprintln(out, "WRONG  ", problem)
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return m.services() != c.services })
	if c.listed > 0 && c.listed < len(mutants) {
		random.Shuffle(len(mutants), func(i, k int) { mutants[i], mutants[k] = mutants[k], mutants[i] })
		mutants = mutants[:c.listed]
	}
	slices.SortStableFunc(mutants, func(a, b mutant) int { return cmp.Compare(a.test(), b.test()) })
	var pool []mutant
	if c.drawn > 0 {
		if pool, err = operators(c.root, c.packages); err != nil {
			return false, err
		}
		random.Shuffle(len(pool), func(i, k int) { pool[i], pool[k] = pool[k], pool[i] })
	}

	r, err := newRunner(c)
	if err != nil {
		return false, err
	}
	defer r.close()
	fmt.Fprintf(out, "changes of the list: %d; drawn with seed %d: %d of %d; at a time: %d\n", len(mutants), c.seed, min(c.drawn, len(pool)), len(pool), c.workers)
	if err := r.unchanged(ctx, slices.Concat(mutants, pool)); err != nil {
		return false, err
	}
	fmt.Fprintf(out, "the tests pass on the tree as it is (%.0f s)\n", time.Since(begun).Seconds())

	count := map[verdict]int{}
	good = len(wrong) == 0
	report := func(m mutant, v verdict, said string) {
		count[v]++
		switch {
		case v == survived && m.line == 0:
			fmt.Fprintf(out, "SURVIVED %s (drawn)\n", m)
		case v == survived:
			good = false
			fmt.Fprintf(out, "SURVIVED %s\n", m)
		case v == invalid:
			good = false
			fmt.Fprintf(out, "WRONG    %s: it does not compile, or runs no test:\n%s\n", m, said)
		case v == hung:
			fmt.Fprintf(out, "hung     %s\n", m)
		}
	}
	r.try(ctx, mutants, report)

	for left := c.drawn; left > 0 && len(pool) > 0 && ctx.Err() == nil; {
		next := pool[:min(left, len(pool))]
		pool = pool[len(next):]
		r.try(ctx, next, func(m mutant, v verdict, said string) {
			if v != invalid { // what does not compile is drawn again
				left--
				report(m, v, said)
			}
		})
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	fmt.Fprintf(out, "%d noticed, %d of them because the tests hung; %d survived; %d wrong; %.0f s\n",
		count[noticed]+count[hung], count[hung], count[survived], count[invalid]+len(wrong), time.Since(begun).Seconds())
	return good, nil
}
