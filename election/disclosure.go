package election

import "slices"

// Disclosure is which age group and gender ballots state. What fewer than MinimumCell voters of a district have in common is not
// stated: whoever has the register would know whose the ballots are. It follows from the definition, which fixes how many voters
// of each age group and gender a district has.
type Disclosure struct {
	stated map[DistrictID][]group // in each district like VotersOf
}

// group is an age group and a gender. Either is empty where it is not stated.
type group struct{ age, gender string }

// NewDisclosure computes what ballots state. The definition must have an electorate.
func NewDisclosure(d *Definition) *Disclosure {
	s := &Disclosure{make(map[DistrictID][]group)}
	for _, district := range d.Districts() {
		s.stated[district.ID] = statedGroups(d.VotersOf(district.District), int64(d.MinimumCell()))
	}
	return s
}

// Of is what the ballot of a voter states. known is false where no voter is of that district, age group and gender.
func (s *Disclosure) Of(district DistrictID, age, gender string) (statedAge, statedGender string, known bool) {
	a, g := slices.Index(AgeGroups(), age), slices.Index(Genders(), gender)
	stated, known := s.stated[district]
	if !known || a < 0 || g < 0 {
		return "", "", false
	}
	states := stated[a*len(Genders())+g]
	return states.age, states.gender, true
}

// statedGroups hides the genders of few voters of an age group, and then the groups that are still few. If all whose ballots state
// nothing would be few, the next smallest groups join them.
func statedGroups(voters []int64, least int64) []group {
	var stated []group
	for _, age := range AgeGroups() {
		for _, gender := range Genders() {
			if voters[len(stated)] < least {
				gender = ""
			}
			stated = append(stated, group{age, gender})
		}
	}
	for {
		size := make(map[group]int64)
		for i, g := range stated {
			size[g] += voters[i]
		}
		var nothing, smallest group
		for _, g := range stated {
			if g != nothing && (smallest == nothing || size[g] < size[smallest]) {
				smallest = g
			}
		}
		fewStateNothing := size[nothing] > 0 && size[nothing] < least
		if smallest == nothing || size[smallest] >= least && !fewStateNothing {
			return stated
		}
		for i := range stated {
			if stated[i] == smallest {
				stated[i] = nothing
			}
		}
	}
}
