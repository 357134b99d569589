//go:build chaos

package e2e

import (
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/principals"
	"realtime-election/local"
)

var (
	seed   = flag.Uint64("seed", 0, "of the pauses after which processes are killed; 0 draws one")
	kills  = flag.Int("kills", 10, "how often Spark and submit are killed, each")
	frozen = flag.Duration("frozen", 90*time.Second, "how long a process is stopped")
	copies = flag.Int("copies", 6, "how often the replayed file is taken, so that the votes outlast the chaos")
)

// newMoments draws pauses from -seed, and says from what.
func newMoments(t *testing.T) *rand.Rand {
	t.Helper()
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("the pauses are those of -seed %d", *seed)
	return rand.New(rand.NewPCG(*seed, 0))
}

// multiplied is the replayed file with so many times its votes, and how many those are.
func multiplied(t *testing.T, by int) (path string, votes int64) {
	t.Helper()
	in, err := os.Open(*replay)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	lines, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(lines[0], "votes")
	for _, line := range lines[1:] {
		n, err := strconv.Atoi(line[column])
		if err != nil {
			t.Fatal(err)
		}
		line[column] = strconv.Itoa(n * by)
	}
	path = filepath.Join(t.TempDir(), "multiplied.csv")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := csv.NewWriter(out).WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	file, err := definition.ReadResultFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return path, file.Definition.ExpectedVotes()
}

// underLoad starts an election of so many copies of the replayed file, whose votes take so many seconds, unless -rate says
// otherwise, and waits for the first that are counted. The file is the result that is voted.
func underLoad(t *testing.T, copies int, seconds int64) (s *system, file string) {
	t.Helper()
	file, votes := multiplied(t, copies)
	perSecond := *rate
	if perSecond == 0 {
		perSecond = int(votes / seconds)
	}
	s = up(t, newData(t), "--replay", file, "--rate", fmt.Sprint(perSecond))
	s.await(t, "votes are counted", func(f figures) bool { return f.TotalVotes > 0 })
	return s, file
}

// TestChaosOfKillsCostsNoVote kills Spark and submit ten times each while votes come in, every other time submit in the
// middle of Spark's recovery, and then stops each for 90 s. It measures how long Spark takes from its port's being open to
// the first micro-batch that it commits.
func TestChaosOfKillsCostsNoVote(t *testing.T) {
	moments := newMoments(t)
	upTo := func(d time.Duration) time.Duration { return time.Duration(moments.Int64N(int64(d))) }
	s, file := underLoad(t, *copies, 1200)
	data := s.data
	began := time.Now()
	spark := sparkHost(t, data)

	var alone, disturbed []time.Duration // from Spark's port to the first commit
	for i := range *kills {
		s.pause(t, upTo(8*time.Second))
		killed, pid := time.Now(), s.kill(t, "spark")
		var meanwhile <-chan time.Time
		if i%2 == 1 {
			meanwhile = time.After(upTo(20 * time.Second))
		}
		gone(t, "spark", pid)
		open := portOpen(t, "spark", spark)
		before := queryStatus(t, data)
		committed, disturbances := s.committed(t, before, meanwhile)
		took := committed.Sub(open)
		if disturbances == 0 {
			alone = append(alone, took)
		} else {
			disturbed = append(disturbed, took)
		}
		t.Logf("spark %2d killed after micro-batch %d: port open after %.1f s, committed %.1f s later%s", i+1, before.Batch,
			open.Sub(killed).Seconds(), took.Seconds(), map[bool]string{true: ", submit killed meanwhile"}[disturbances > 0])
		if disturbances > 0 {
			continue
		}
		s.pause(t, upTo(8*time.Second))
		killed, pid = time.Now(), s.kill(t, "submit")
		gone(t, "submit", pid)
		before = queryStatus(t, data)
		committed, _ = s.committed(t, before, nil)
		t.Logf("submit killed after micro-batch %d: the next was reported after %.1f s", before.Batch, committed.Sub(killed).Seconds())
	}
	t.Logf("from Spark's open port to the first committed micro-batch, alone: %s", medianAndWorst(alone))
	t.Logf("from Spark's open port to the first committed micro-batch, submit killed meanwhile: %s", medianAndWorst(disturbed))
	t.Logf("from Spark's open port to the first committed micro-batch, all: %s", medianAndWorst(append(alone, disturbed...)))

	for _, name := range []string{"spark", "submit"} {
		s.pause(t, upTo(8*time.Second))
		s.freeze(t, name, *frozen)
	}
	t.Logf("the chaos lasted %s", time.Since(began).Round(time.Second))
	if sent, size := progress(t, data, election.ReplayProducer); sent == 0 || sent >= size {
		t.Errorf("%d of %d votes were sent when the chaos ended: it was not under load to its end; lower -rate", sent, size)
	}
	if run := queryStatus(t, data).Run; run != 1 {
		t.Errorf("run %d counts, though no checkpoint was lost", run)
	}
	s.finish(t, file)
}

// pause lets the system work. That is the experiment, not a wait for something.
func (s *system) pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-s.done:
		t.Fatalf("up ended with %d", s.cmd.ProcessState.ExitCode())
	}
}

// gone waits until a killed process is no more.
func gone(t *testing.T, name string, pid int) {
	t.Helper()
	awaitFast(t, name+" is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

// sparkHost is the host:port of Spark, which is the same for each that is started in the folder.
func sparkHost(t *testing.T, data string) string {
	t.Helper()
	return serverURL(t, data, local.Spark).Host
}

// portOpen is when connections to a server are accepted.
func portOpen(t *testing.T, name, address string) time.Time {
	t.Helper()
	awaitEvery(t, 20*time.Millisecond, patience, name+"'s port is open", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return time.Now()
}

// queryStatus is what was said of the query last.
func queryStatus(t *testing.T, data string) (status election.QueryStatus) {
	t.Helper()
	latestJSON(t, data, election.QueryStatusTopic, election.QueryKey, &status)
	return status
}

// latestJSON reads the newest record of a key. Kafka is not killed here, but with no processor left to it it may not answer
// at once.
func latestJSON(t *testing.T, data, topic, key string, into any) {
	t.Helper()
	var err error
	await(t, "Kafka answers", func() bool {
		_, err = clusterOf(t, data, principals.Reader).LatestJSON(t.Context(), topic, key, into)
		return err == nil
	}, func() string { return err.Error() })
}

// committed waits for the report of a micro-batch that was not committed before, and is when that was written. Submit is
// killed meanwhile, if that time comes first.
func (s *system) committed(t *testing.T, before election.QueryStatus, meanwhile <-chan time.Time) (at time.Time, disturbances int) {
	t.Helper()
	var status election.QueryStatus
	awaitEvery(t, 100*time.Millisecond, patience, fmt.Sprintf("a micro-batch is committed after %d", before.Batch), func() bool {
		select {
		case <-meanwhile:
			if _, runs := local.Running(s.data, "submit"); runs { // it may have died with Spark
				s.kill(t, "submit")
				disturbances++
			}
		case <-s.done:
			t.Fatalf("up ended with %d", s.cmd.ProcessState.ExitCode())
		default:
		}
		status = queryStatus(t, s.data)
		return status.State == "running" && (status.Batch > before.Batch || !maps.Equal(status.Counted, before.Counted))
	}, func() string { return fmt.Sprintf("the last report is %+v", queryStatus(t, s.data)) })
	return status.UpdatedAt, disturbances
}

// freeze stops a process for a while, and waits until the count goes on.
func (s *system) freeze(t *testing.T, name string, d time.Duration) {
	t.Helper()
	record := recordOf(t, s.data, name)
	if err := syscall.Kill(record.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(record.PID, syscall.SIGCONT) }) // or nothing could end it gently
	before := queryStatus(t, s.data)
	s.pause(t, d)
	meanwhile := queryStatus(t, s.data)
	if err := syscall.Kill(record.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	woken := time.Now()
	at, _ := s.committed(t, meanwhile, nil)
	t.Logf("%s stopped for %s at micro-batch %d (%d when it was woken): the next was reported %.1f s later", name, d, before.Batch, meanwhile.Batch, at.Sub(woken).Seconds())
}

// finish has the rest of the votes sent as fast as they can be, by another up, which ends with the audit's exit code.
func (s *system) finish(t *testing.T, file string) {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := s.exit(t, 40*time.Second); code != 0 {
		t.Errorf("stopped by Ctrl-C, up exits %d", code)
	}
	s = up(t, s.data, "--replay", file, "--once")
	code := s.exit(t, 5*time.Minute)
	t.Logf("up --once, which audits, exits %d\n%s", code, tailOf(s.out.String()))
	if code != 0 {
		t.Error("the audit does not agree")
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := run(t, "results", "--by", "district", "-o", "csv", "--data", s.data); out != string(want) {
		t.Errorf("the results are not the file: %s", out)
	}
}

func medianAndWorst(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	middle := (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	return fmt.Sprintf("median %.1f s, worst %.1f s of %d", middle.Seconds(), all[len(all)-1].Seconds(), len(all))
}
