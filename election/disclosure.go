package election

// Disclosure is which age group and gender ballots state. What fewer than MinimumCell voters of a district have in common is not
// stated: whoever has the register would know whose the ballots are. It follows from the definition, which fixes how many voters
// of each age group and gender a district has.
type Disclosure struct {
	stated [][]group // by district; in each like VotersOf
}

// group is an age group and a gender. Either is empty where it is not stated.
type group struct{ age, gender string }

// NewDisclosure computes what ballots state. The definition must have an electorate.
func NewDisclosure(d *Definition) *Disclosure {
	s := &Disclosure{}
	for _, district := range d.Districts() {
		s.stated = append(s.stated, statedGroups(d.VotersOf(district.District), int64(d.MinimumCell())))
	}
	return s
}

// Of is what the ballot of a voter states. District, age group and gender are indices in the definition's districts, AgeGroups and
// Genders.
func (s *Disclosure) Of(district, age, gender int) (statedAge, statedGender string) {
	g := s.stated[district][age*len(Genders())+gender]
	return g.age, g.gender
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
