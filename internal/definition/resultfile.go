package definition

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"realtime-election/election"
)

// Columns are the columns of a result file, in their order.
var Columns = []string{"region", "district_id", "district", "candidate", "party", "votes"}

// pollingDay is the polling day of every replay, since a result file has none.
var pollingDay = election.Polling{
	Opens:  time.Date(2024, 11, 5, 7, 0, 0, 0, time.UTC),
	Closes: time.Date(2024, 11, 5, 20, 0, 0, 0, time.UTC),
}

// maxLine is the largest number of characters of a line, and so of a name.
const maxLine = 200

// ResultFile is a result to be replayed: the definition derived from it, and the votes of each of its lines.
type ResultFile struct {
	Definition *election.Definition
	Votes      []int64 // for each of Definition.Source.Lines
}

type resultLine struct {
	region, code, district, candidate, party string
	votes                                    int64
	number                                   int
}

// ReadResultFile reads a result file, or only the lines of some regions.
func ReadResultFile(path string, regions []string) (*ResultFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the result file: %w", err)
	}
	return parseResultFile(path, text, regions)
}

func parseResultFile(path string, text []byte, regions []string) (*ResultFile, error) {
	mistakes := &Mistakes{File: path}
	lines := parseResultLines(mistakes, text)
	file := derive(mistakes, path, onlyRegions(mistakes, lines, regions))
	if err := mistakes.err(); err != nil {
		return nil, err
	}
	file.Definition.Source.CRLF = bytes.Contains(text, []byte("\r\n"))
	return file, nil
}

// parseResultLines reads the lines that have all columns. It includes lines with mistakes, since they may have further ones.
func parseResultLines(mistakes *Mistakes, text []byte) []resultLine {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	reader.FieldsPerRecord = -1
	header, err := reader.Read()
	if err != nil || !slices.Equal(header, Columns) {
		mistakes.add(1, "the first line must be %s", strings.Join(Columns, ","))
		return nil
	}
	var lines []resultLine
	for {
		fields, err := reader.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return lines
		case errors.As(err, &syntax):
			mistakes.add(syntax.Line, "%v", syntax.Err)
			continue
		case err != nil: // text in memory gives no other error
			panic(err)
		}
		number, _ := reader.FieldPos(0)
		if len(fields) != len(Columns) {
			mistakes.add(number, "it has %d columns instead of %d", len(fields), len(Columns))
			continue
		}
		for i, value := range fields[:4] {
			if strings.TrimSpace(value) == "" {
				mistakes.add(number, "%s is empty", Columns[i])
			}
		}
		switch names := strings.Join(fields, ""); {
		case !utf8.ValidString(names):
			mistakes.add(number, "it is not UTF-8")
		case strings.ContainsFunc(names, unicode.IsControl):
			mistakes.add(number, "it holds control characters")
		case utf8.RuneCountInString(names) > maxLine:
			mistakes.add(number, "it is longer than %d characters", maxLine)
		}
		votes, err := strconv.ParseUint(fields[5], 10, 63)
		switch {
		case errors.Is(err, strconv.ErrRange), err == nil && int64(votes) > election.MostVoters:
			mistakes.add(number, "votes is %s; a result file holds at most %d in all", fields[5], election.MostVoters)
			votes = 0
		case err != nil:
			mistakes.add(number, "votes is %q; write a whole number from 0 up, digits only", fields[5])
		}
		lines = append(lines, resultLine{fields[0], fields[1], fields[2], fields[3], fields[4], int64(votes), number})
	}
}

func onlyRegions(mistakes *Mistakes, lines []resultLine, regions []string) []resultLine {
	if len(regions) == 0 {
		return lines
	}
	known := make(map[string]bool)
	for _, line := range lines {
		known[line.region] = true
	}
	for _, region := range regions {
		if !known[region] {
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			mistakes.add(0, "the region %q is chosen, which it does not have; it has %q", region, names)
		}
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l resultLine) bool { return !slices.Contains(regions, l.region) })
}

type (
	// ticket is a candidate of a party. A person who stands for two parties has two lines in the file, and is two candidates here.
	ticket struct{ candidate, party string }
	// regionalCode is a district. Two regions may use the same code.
	regionalCode struct{ region, code string }
)

// derivation is a definition that is derived from the lines of a result file, with the indices of its parts.
type derivation struct {
	definition *election.Definition
	candidates map[ticket]int
	districts  map[regionalCode]*election.District
}

// derive makes the definition and the votes of the lines.
func derive(mistakes *Mistakes, path string, lines []resultLine) *ResultFile {
	d := deriveDefinition(mistakes, "Replay of "+filepath.Base(path), lines)
	file := d.resultFile(mistakes, lines)
	if file.Definition.Source.Votes == 0 && len(mistakes.List) == 0 {
		mistakes.add(0, "it holds no vote to replay")
	}
	if len(mistakes.List) == 0 {
		for _, problem := range file.Definition.Check() { // mistakes of the whole file
			mistakes.add(0, "%s", problem.Text)
		}
	}
	return file
}

func deriveDefinition(mistakes *Mistakes, name string, lines []resultLine) derivation {
	regionsOfCode := make(map[string]map[string]bool)
	for _, line := range lines {
		if regionsOfCode[line.code] == nil {
			regionsOfCode[line.code] = make(map[string]bool)
		}
		regionsOfCode[line.code][line.region] = true
	}
	usable := func(code string) bool { return election.ValidDistrictID(code) && len(regionsOfCode[code]) == 1 }
	candidateIDs, regionIDs, districtIDs := ids{}, ids{}, ids{}
	for code := range regionsOfCode {
		districtIDs[code] = usable(code)
	}

	d := &election.Definition{ID: "replay", Name: name, Polling: pollingDay}
	derived := derivation{d, make(map[ticket]int), make(map[regionalCode]*election.District)}
	regions := make(map[string]int)
	type pair struct {
		regionalCode
		ticket
	}
	firstLine := make(map[pair]int)
	for _, line := range lines {
		t := ticket{line.candidate, line.party}
		if _, ok := derived.candidates[t]; !ok {
			derived.candidates[t] = len(d.Candidates)
			id := candidateIDs.next(line.candidate, "candidate")
			d.Candidates = append(d.Candidates, election.Candidate{ID: election.CandidateID(id), Name: line.candidate, Party: line.party})
		}
		r, ok := regions[line.region]
		if !ok {
			r = len(d.Regions)
			regions[line.region] = r
			id := regionIDs.next(line.region, "region")
			d.Regions = append(d.Regions, election.Region{ID: election.RegionID(id), Name: line.region})
		}
		at := regionalCode{line.region, line.code}
		if known := derived.districts[at]; known == nil {
			district := election.District{ID: election.DistrictID(line.code), Name: line.district}
			if !usable(line.code) {
				district.ID, district.Code = election.DistrictID(districtIDs.next(line.region+"-"+line.code, "district")), line.code
			}
			d.Regions[r].Districts = append(d.Regions[r].Districts, district)
			derived.districts[at] = &district
		} else if known.Name != line.district {
			mistakes.add(line.number, "district_id %q is called %q here and %q above", line.code, line.district, known.Name)
		}
		key := pair{at, t}
		if first, again := firstLine[key]; again {
			mistakes.add(line.number, "it repeats district and candidate of line %d", first)
		} else {
			firstLine[key] = line.number
		}
	}
	return derived
}

// resultFile adds the source to the definition, and returns it with the votes of the lines.
func (d derivation) resultFile(mistakes *Mistakes, lines []resultLine) *ResultFile {
	index := make(map[election.DistrictID]int)
	for i, district := range d.definition.Districts() {
		index[district.ID] = i
	}
	source := &election.Source{}
	file := &ResultFile{Definition: d.definition}
	sum := sha256.New()
	for _, line := range lines {
		district := index[d.districts[regionalCode{line.region, line.code}].ID]
		candidate := d.candidates[ticket{line.candidate, line.party}]
		source.Lines = append(source.Lines, [2]int{district, candidate})
		if before := source.Votes; before <= election.MostVoters && before+line.votes > election.MostVoters {
			mistakes.add(line.number, "with this line there are %d votes; a result file holds at most %d in all: replay some of its regions",
				before+line.votes, election.MostVoters)
		}
		source.Votes += line.votes
		file.Votes = append(file.Votes, line.votes)
		fmt.Fprintf(sum, "%d,%d,%d\n", district, candidate, line.votes)
	}
	source.SHA256 = hex.EncodeToString(sum.Sum(nil))
	d.definition.Source = source
	return file
}

// ids are the ids that are taken. next makes a new valid id from a name.
type ids map[string]bool

func (taken ids) next(name, otherwise string) string {
	slug := strings.Trim(strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		case 'A' <= c && c <= 'Z':
			return c - 'A' + 'a'
		}
		return '-'
	}, name), "-")
	for strings.Contains(slug, "--") {
		slug = strings.ReplaceAll(slug, "--", "-")
	}
	slug = strings.TrimRight(slug[:min(len(slug), 32)], "-")
	if slug == "" {
		slug = otherwise
	}
	id := slug
	for n := 2; taken[id]; n++ {
		suffix := "-" + strconv.Itoa(n)
		id = slug[:min(len(slug), 32-len(suffix))] + suffix
	}
	taken[id] = true
	return id
}
