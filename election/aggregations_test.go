package election

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestEachAggregationIsDeclaredOnce(t *testing.T) {
	topics := make(map[string]bool)
	for _, a := range Aggregations() {
		if topics[a.Topic] {
			t.Errorf("%s is declared twice", a.Topic)
		}
		topics[a.Topic] = true
		if len(a.Key) == 0 {
			t.Errorf("%s has no key", a.Topic)
		}
		if a.OfRejected() && len(a.Key) > 1 {
			t.Errorf("%s: the query keeps nothing of a rejected record but the reason", a.Topic)
		}
		if found, ok := AggregationOf(a.Topic); !ok || found.Purpose != a.Purpose {
			t.Errorf("%s is not found", a.Topic)
		}
	}
	if _, ok := AggregationOf(VotesTopic); ok {
		t.Errorf("%s is an aggregation", VotesTopic)
	}
}

func TestEveryTopicHasAPurpose(t *testing.T) {
	for _, topic := range Topics(1) {
		if topic.Purpose == "" {
			t.Errorf("%s has none", topic.Name)
		}
	}
}

// TestFieldsOfKeysAreInResults sets each field by its declaration, and looks for it under its name in the JSON.
func TestFieldsOfKeysAreInResults(t *testing.T) {
	for _, a := range Aggregations() {
		for _, field := range a.Key {
			of, declared := fields[field]
			if !declared {
				t.Errorf("%s: there is no field %s", a.Topic, field)
				continue
			}
			if (of.vote == nil) != a.OfRejected() {
				t.Errorf("%s: a vote has a field %s: %t", a.Topic, field, of.vote != nil)
			}
			var r Result
			if r.Value(field) != "" {
				t.Errorf("an empty result has a %s", field)
			}
			value := "x"
			*of.result(&r) = &value
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var says map[string]any
			if err := json.Unmarshal(text, &says); err != nil || says[string(field)] != "x" || r.Value(field) != "x" {
				t.Errorf("%s is not where %s says (%v)", field, text, err)
			}
		}
	}
}

func TestNaturalKeyIsCutWhereItWasJoined(t *testing.T) {
	for topic, values := range map[string][]string{
		PerCandidateTopic:  {"ana"},
		ByLocationTopic:    {"north", "ana"},
		ByDemographicTopic: {"north", "", "", "ana"},
		PerSlotTopic:       {"north", "2025-10-29T07:30", "ana"},
		PerReasonTopic:     {"malformed"},
	} {
		a, _ := AggregationOf(topic)
		if got, err := a.Cut(NaturalKey(values...)); err != nil || !slices.Equal(got, values) {
			t.Errorf("%s: %q is cut into %q (%v)", topic, values, got, err)
		}
	}
	for topic, naturals := range map[string][]string{
		PerCandidateTopic:  {"", "north/ana", "ana/"},
		ByLocationTopic:    {"", "north", "north/", "/ana", "north/x/ana"},
		ByDemographicTopic: {"north///", "///ana", "north//ana"},
		PerSlotTopic:       {"north//ana", "north/2025-02-30T12:00/ana", "north/7:30/ana"},
	} {
		a, _ := AggregationOf(topic)
		for _, natural := range naturals {
			if got, err := a.Cut(natural); err == nil {
				t.Errorf("%s: %q is cut into %q", topic, natural, got)
			}
		}
	}
}

// FuzzCut checks that joining the values of a natural key makes the same key again.
func FuzzCut(f *testing.F) {
	f.Add(ByDemographicTopic, "north///ana")
	f.Add(PerSlotTopic, "north/2025-10-29T07:30/ana")
	f.Add(PerReasonTopic, "malformed")
	f.Fuzz(func(t *testing.T, topic, natural string) {
		a, known := AggregationOf(topic)
		if !known {
			return
		}
		values, err := a.Cut(natural)
		if err == nil && (len(values) != len(a.Key) || NaturalKey(values...) != natural) {
			t.Errorf("%q is cut into %q", natural, values)
		}
	})
}
