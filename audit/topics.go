package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// published is what a result topic holds for one key.
type published struct {
	result election.Result
	fault  string // why the record cannot be read
}

// compareTopics compares every key of every result topic with what it must hold. A latest run that is newer than the
// official run is catching up: no reader shows its totals yet, and they are not compared.
func compareTopics(ctx context.Context, c Config, report *report, want map[string]map[string]election.Result, run, latest int) error {
	catchingUp := 0
	for _, topic := range election.ResultTopics() {
		got, err := readTopic(ctx, c, topic)
		if err != nil {
			return err
		}
		before := len(report.differences)
		var wantVotes, gotVotes int64
		for _, natural := range sortedKeys(want[topic]) {
			key, w := election.ResultKey(run, natural), want[topic][natural]
			wantVotes += w.TotalVotes
			g, found := got[key]
			delete(got, key)
			gotVotes += g.result.TotalVotes
			switch {
			case !found:
				report.addDifference("%s: key %s is missing; it must hold %d", topic, key, w.TotalVotes)
			case g.fault != "":
				report.addDifference("%s: key %s: %s", topic, key, g.fault)
			case g.result.TotalVotes != w.TotalVotes:
				report.addDifference("%s: key %s holds %d; it must hold %d", topic, key, g.result.TotalVotes, w.TotalVotes)
			case !reflect.DeepEqual(g.result, w):
				report.addDifference("%s: key %s holds %s; it must hold %s", topic, key, asJSON(g.result), asJSON(w))
			}
		}
		for _, key := range sortedKeys(got) {
			gotVotes += got[key].result.TotalVotes
			switch of, _, ok := election.CutRun(key); {
			case ok && of == latest && of > run:
				catchingUp++
				gotVotes -= got[key].result.TotalVotes
			case ok && of != run:
				report.addDifference("%s: key %q is of run %d, and the official run is %d", topic, key, of, run)
			default:
				report.addDifference("%s: key %q must not be there", topic, key)
			}
		}
		report.addRow(topic, records(len(want[topic]), wantVotes), strconv.FormatInt(gotVotes, 10), len(report.differences)-before)
	}
	if catchingUp > 0 {
		report.addRow(fmt.Sprintf("  run %d is catching up", latest), fmt.Sprintf("%d keys, not compared", catchingUp), "", 0)
	}
	return nil
}

func records(keys int, votes int64) string {
	return fmt.Sprintf("%d in %d keys", votes, keys)
}

// readTopic reads the total of each key of a result topic. It takes the record with the greatest total, because an old
// record may be written again late. A tombstone deletes the key.
func readTopic(ctx context.Context, c Config, topic string) (map[string]published, error) {
	held := make(map[string]published)
	err := c.Kafka.Read(ctx, topic, 0, func(r *kgo.Record) error {
		key := string(r.Key)
		if r.Value == nil {
			delete(held, key)
			return nil
		}
		p := decodeResult(r)
		if before, found := held[key]; !found || before.fault == "" && (p.fault != "" || p.result.TotalVotes >= before.result.TotalVotes) {
			held[key] = p
		}
		return nil
	})
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return held, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return held, nil
}

// decodeResult reads a result record: one JSON object without unknown fields, and nothing after it.
func decodeResult(r *kgo.Record) published {
	var p published
	decoder := json.NewDecoder(bytes.NewReader(r.Value))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&p.result)
	if err == nil {
		if _, after := decoder.Token(); after != io.EOF {
			err = errors.New("more bytes follow the value")
		}
	}
	if err != nil {
		p.fault = fmt.Sprintf("offset %d cannot be read: %v", r.Offset, err)
	}
	return p
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func asJSON(r election.Result) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // a Result holds nothing that JSON cannot
	}
	return string(text)
}
