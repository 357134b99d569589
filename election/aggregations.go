package election

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Aggregation is one way to count: a result topic, and the key by which its totals are counted.
//
// The table of aggregations declares each of them once. The topics and their purposes, the reference count, and the results
// that a reader accepts all follow from it. Spark's SQL (sparkjob/sql/totals.sql) is written by hand, and a test compares it
// with the table.
type Aggregation struct {
	Topic   string
	Key     []Field // the natural key is their values, joined by slashes
	Purpose string  // of the topic, in a line
}

// The result topics.
const (
	PerCandidateTopic      = "aggregated_votes_per_candidate"
	TurnoutByLocationTopic = "aggregated_turnout_by_location"
	ByLocationTopic        = "aggregated_votes_by_location"
	ByDistrictTopic        = "aggregated_votes_by_district"
	ByDemographicTopic     = "aggregated_votes_by_demographic"
	PerSlotTopic           = "aggregated_votes_per_slot"
	PerReasonTopic         = "aggregated_votes_rejected"
)

var aggregations = []Aggregation{
	{PerCandidateTopic, []Field{CandidateField}, "votes of each candidate"},
	{TurnoutByLocationTopic, []Field{RegionField}, "votes in each region, of how many registered"},
	{ByLocationTopic, []Field{RegionField, CandidateField}, "votes by region and candidate"},
	{ByDistrictTopic, []Field{DistrictField, CandidateField}, "votes by district and candidate"},
	{ByDemographicTopic, []Field{RegionField, AgeGroupField, GenderField, CandidateField}, "votes by region, age group, gender and candidate"},
	{PerSlotTopic, []Field{RegionField, SlotField, CandidateField}, "votes by region, time slot of voting and candidate"},
	{PerReasonTopic, []Field{ReasonField}, "records not counted, by reason"},
}

// Field is the name of a field of natural keys. The value of a result and totals.sql have the field under the same name.
type Field string

// The fields.
const (
	CandidateField Field = "candidate_id"
	RegionField    Field = "region_id"
	DistrictField  Field = "district_id"
	AgeGroupField  Field = "age_group"
	GenderField    Field = "gender"
	SlotField      Field = "slot"
	ReasonField    Field = "reason" // an aggregation by it counts rejected records, not votes
)

// fields say how to get each field from a result and from a vote in a region, and which values it may have.
var fields = map[Field]struct {
	result     func(*Result) **string
	vote       func(v Vote, region []byte) []byte // nil if a vote has no such field
	mayBeEmpty bool                               // not every ballot states it
	check      func(value string) error           // nil if any text is allowed
}{
	CandidateField: {result: func(r *Result) **string { return &r.CandidateID }, vote: func(v Vote, _ []byte) []byte { return v.CandidateID }},
	RegionField:    {result: func(r *Result) **string { return &r.RegionID }, vote: func(_ Vote, region []byte) []byte { return region }},
	DistrictField:  {result: func(r *Result) **string { return &r.DistrictID }, vote: func(v Vote, _ []byte) []byte { return v.DistrictID }},
	AgeGroupField:  {result: func(r *Result) **string { return &r.AgeGroup }, vote: func(v Vote, _ []byte) []byte { return v.AgeGroup }, mayBeEmpty: true},
	GenderField:    {result: func(r *Result) **string { return &r.Gender }, vote: func(v Vote, _ []byte) []byte { return v.Gender }, mayBeEmpty: true},
	SlotField:      {result: func(r *Result) **string { return &r.Slot }, vote: func(v Vote, _ []byte) []byte { return v.VotingTime[:SlotLength] }, check: checkSlot},
	ReasonField:    {result: func(r *Result) **string { return &r.Reason }},
}

// Result is the value of a record of any result topic. It holds the fields of the topic's key; which other fields it has
// depends on the topic. TotalVotes is absolute, never an increment.
type Result struct {
	Run              int     `json:"run"`
	CandidateID      *string `json:"candidate_id,omitempty"`
	CandidateName    *string `json:"candidate_name,omitempty"`
	PartyAffiliation *string `json:"party_affiliation,omitempty"`
	PhotoURL         *string `json:"photo_url,omitempty"`
	RegionID         *string `json:"region_id,omitempty"`
	RegionName       *string `json:"region_name,omitempty"`
	RegisteredVoters *int64  `json:"registered_voters,omitempty"` // absent if no register is known
	DistrictID       *string `json:"district_id,omitempty"`
	AgeGroup         *string `json:"age_group,omitempty"`
	Gender           *string `json:"gender,omitempty"`
	Slot             *string `json:"slot,omitempty"`   // of voting_time, in SlotLayout
	Reason           *string `json:"reason,omitempty"` // a Reason
	TotalVotes       int64   `json:"total_votes"`
	NewestRecordAt   string  `json:"newest_record_at"` // Kafka's timestamp of the newest record in the total, in TimeLayout
}

// Aggregations is the table of aggregations.
func Aggregations() []Aggregation { return slices.Clone(aggregations) }

// AggregationOf is the aggregation of a result topic. It reports false for any other topic.
func AggregationOf(topic string) (Aggregation, bool) {
	i := slices.IndexFunc(aggregations, func(a Aggregation) bool { return a.Topic == topic })
	if i < 0 {
		return Aggregation{}, false
	}
	return aggregations[i], true
}

// ResultTopics are the topics of all aggregations: those that the streaming query writes.
func ResultTopics() []string {
	topics := make([]string, len(aggregations))
	for i, a := range aggregations {
		topics[i] = a.Topic
	}
	return topics
}

// OfRejected reports whether the aggregation counts the records that are rejected, and not the votes.
func (a Aggregation) OfRejected() bool { return slices.Contains(a.Key, ReasonField) }

// Cut splits a natural key into the values of the fields of Key. The error says why the aggregation cannot have such a key:
// the number of fields differs, a field is empty that may not be, or a minute is not in the calendar. The caller must check
// whether the definition has such a candidate, region or district.
func (a Aggregation) Cut(natural string) ([]string, error) {
	values := strings.Split(natural, "/")
	if len(values) != len(a.Key) {
		return nil, fmt.Errorf("%q has %d fields; a key of %s has %d", natural, len(values), a.Topic, len(a.Key))
	}
	for i, field := range a.Key {
		if values[i] == "" && !fields[field].mayBeEmpty {
			return nil, fmt.Errorf("%q has no %s", natural, field)
		}
		if check := fields[field].check; check != nil {
			if err := check(values[i]); err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}

// Value is the value of a field of the result's key, or "" if the result does not have it.
func (r *Result) Value(of Field) string {
	if value := *fields[of].result(r); value != nil {
		return *value
	}
	return ""
}

// ResultKey is the key of a result record: the run, then the natural key, joined by slashes.
func ResultKey(run int, natural ...string) string {
	return strconv.Itoa(run) + "/" + NaturalKey(natural...)
}

// NaturalKey joins the values of an aggregation's fields, in the order of its Key.
func NaturalKey(values ...string) string { return strings.Join(values, "/") }

// CutRun splits a result record's key into its run and its natural key.
func CutRun(key string) (run int, natural string, ok bool) {
	digits, natural, found := strings.Cut(key, "/")
	run, err := strconv.Atoi(digits)
	return run, natural, found && err == nil
}

// SlotLayout is how a slot of voting_time is written: by the minute in which it begins.
const SlotLayout = "2006-01-02T15:04"

// checkSlot returns an error if the text is no minute in which a slot may begin.
func checkSlot(text string) error {
	if at, err := time.Parse(SlotLayout, text); err != nil || at.Format(SlotLayout) != text {
		return fmt.Errorf("%q is no slot, %s", text, SlotLayout)
	}
	return nil
}
