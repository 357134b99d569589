package generate

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/bits"
	"sort"
	"strconv"
	"time"

	"realtime-election/election"
)

// The position of a voter's id in the line that Voters.Append writes.
const (
	VoterIDStart = len(`{"voter_id":"`)
	VoterIDEnd   = VoterIDStart + 36
)

// Voters computes the public register of an invented electorate, in an order that mixes the districts. The definition
// says how many voters a district has, and VotersOf how many of them are in each age group and of each gender. Methods may
// be called by several goroutines.
type Voters struct {
	districts []residence
	upTo      []int64 // upTo[i] is the number of voters of districts 0 to i
	births    []births
	genders   []string
	opens     time.Time
	origins   []writtenOrigin
	streets   [][]byte
	order     Permutation
	ids       cipher.Block
	seed      uint64
}

// residence is what the voters of a district have in common.
type residence struct {
	id, city, state []byte  // inside quotes
	voters          []int64 // in each age group, and in it of each gender
	postcode        uint64
}

// births are the days on which the voters of an age group were born, in days since 1970.
type births struct {
	first, last int64
	thinning    bool // fewer voters were born in earlier years
}

// writtenOrigin is an origin, with its texts as JSON writes them.
type writtenOrigin struct {
	upTo          uint64 // of 1000
	nationalities [2][]byte
	given         [2][]name // female, male
	family        []name
}

type name struct{ name, mailbox []byte }

// oldest is an age that all voters are below.
const oldest = 102

// NewVoters prepares the register. The definition must have an electorate and registered voters.
func NewVoters(d *election.Definition, seed uint64) *Voters {
	v := &Voters{opens: d.Polling.Opens.UTC(), seed: derive(seed, "voters", 0), genders: election.Genders()}
	var sum int64
	for i, x := range d.Districts() {
		sum += x.Registered
		v.upTo = append(v.upTo, sum)
		v.districts = append(v.districts, residence{
			id: quoted(string(x.ID)), city: quoted(x.Name), state: quoted(x.Region.Name), voters: d.VotersOf(x.District),
			postcode: 1000 + derive(seed, "postcode", uint64(i))%8900,
		})
	}
	for _, years := range [][2]int{{18, 25}, {25, 35}, {35, 45}, {45, 55}, {55, 65}, {65, oldest}} {
		v.births = append(v.births, bornFor(v.opens, years[0], years[1]))
	}
	var upTo uint64
	for _, o := range origins() {
		upTo += o.perMille
		v.origins = append(v.origins, writtenOrigin{
			upTo,
			[2][]byte{quoted(nationalityOf(o, false)), quoted(nationalityOf(o, true))},
			[2][]name{names(o.female), names(o.male)},
			names(o.names),
		})
	}
	for _, s := range streets() {
		v.streets = append(v.streets, quoted(s))
	}
	v.order = NewPermutation(uint64(sum), seed)
	key := deriveKey(seed, "voter ids", 0)
	ids, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has a length that AES takes
	}
	v.ids = ids
	return v
}

// bornFor are the birthdays of people who on a day are at least from years old, and younger than to.
func bornFor(day time.Time, from, to int) births {
	day = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	last, first := day.AddDate(-from, 0, 0), day.AddDate(-to, 0, 1)
	for election.AgeOn(day, last) < from { // the day is the 29th of February
		last = last.AddDate(0, 0, -1)
	}
	for election.AgeOn(day, first.AddDate(0, 0, -1)) < to {
		first = first.AddDate(0, 0, -1)
	}
	return births{first.Unix() / secondsPerDay, last.Unix() / secondsPerDay, to == oldest}
}

const secondsPerDay = 24 * 60 * 60

// quoted is a text as JSON writes it, without the quotes around it.
func quoted(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can be written
	}
	return text[1 : len(text)-1]
}

func names(all []string) []name {
	list := make([]name, len(all))
	for i, n := range all {
		list[i] = name{quoted(n), []byte(mailbox(n))}
	}
	return list
}

// Size is the number of voters.
func (v *Voters) Size() int64 { return v.upTo[len(v.upTo)-1] }

// Append appends the JSON of the voter with this serial number, from 0 to Size-1, as encoding/json writes an
// election.Voter. district is the index of the voter's district in the definition's districts.
//
// The voter's id is the serial number encrypted under the seed: unique, because encryption can be undone.
func (v *Voters) Append(b []byte, serial int64) (line []byte, district int) {
	at := int64(v.order.At(uint64(serial)))
	district = sort.Search(len(v.upTo), func(i int) bool { return at < v.upTo[i] })
	residence := &v.districts[district]
	number := at
	if district > 0 {
		number -= v.upTo[district-1]
	}
	group, rest := 0, number
	for rest >= residence.voters[group] {
		rest -= residence.voters[group]
		group++
	}
	age, gender := group/len(v.genders), group%len(v.genders)

	id := v.id(serial)
	c := chance(mix(v.seed ^ mix(uint64(serial))))
	listed := gender // whose names are given
	if v.genders[gender] == "other" {
		listed = int(c.below(2))
	}
	origin := v.origin(c.below(1000))
	given := pick(&c, origin.given[listed])
	family := pick(&c, origin.family)
	born := v.births[age].day(&c)

	b = append(append(b, `{"voter_id":"`...), id[:]...)
	b = append(append(b, `","voter_name":"`...), given.name...)
	b = append(append(b, ' '), family.name...)
	b = born.AppendFormat(append(b, `","date_of_birth":"`...), time.DateOnly)
	b = append(append(b, `","gender":"`...), v.genders[gender]...)
	b = append(append(b, `","nationality":"`...), origin.nationalities[c.below(2)]...)
	b = append(append(b, `","registration_number":"`...), residence.id...)
	b = digits(append(b, '-'), uint64(number)+1, 7)
	b = append(append(b, `","address":{"street":"`...), pick(&c, v.streets)...)
	b = strconv.AppendUint(append(b, ' '), 1+c.below(180), 10)
	if c.below(20) == 0 {
		b = append(b, ' ', 'A'+byte(c.below(4)))
	}
	b = append(append(b, `","city":"`...), residence.city...)
	b = append(append(b, `","state":"`...), residence.state...)
	b = append(b, `","country":"Netherlands","postcode":"`...)
	b = digits(b, residence.postcode+c.below(40), 4)
	b = append(b, ' ', postcodeLetters[c.below(18)], postcodeLetters[c.below(18)])
	b = append(append(b, `"},"email":"`...), given.mailbox...)
	b = append(append(b, '.'), family.mailbox...)
	b = append(append(b, '.'), id[0:6]...)
	b = append(append(b, `@example.`...), domains[c.below(3)]...)
	b = digits(append(b, `","phone_number":"+31 000 `...), c.below(1e6), 6) // no area begins with 0
	b = digits(append(b, `","cell_number":"+31 006 `...), c.below(1e6), 6)
	b = append(append(b, `","picture":"https://example.org/portraits/`...), id[:]...)
	b = strconv.AppendInt(append(b, `.jpg","registered_age":`...), int64(election.AgeOn(v.opens, born)), 10)
	b = append(append(b, `,"district_id":"`...), residence.id...)
	return append(b, `"}`...), district
}

// id is the id of a voter: the serial number, encrypted, in the form of a UUID.
func (v *Voters) id(serial int64) (id [VoterIDEnd - VoterIDStart]byte) {
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[8:], uint64(serial))
	v.ids.Encrypt(block[:], block[:])
	hex.Encode(id[0:8], block[0:4])
	hex.Encode(id[9:13], block[4:6])
	hex.Encode(id[14:18], block[6:8])
	hex.Encode(id[19:23], block[8:10])
	hex.Encode(id[24:36], block[10:16])
	id[8], id[13], id[18], id[23] = '-', '-', '-', '-'
	return id
}

// origin is the origin that a random number below 1000 chooses.
func (v *Voters) origin(x uint64) *writtenOrigin {
	i := 0
	for x >= v.origins[i].upTo {
		i++
	}
	return &v.origins[i]
}

// postcodeLetters are those of Dutch postcodes, which never end in SA, SD or SS.
const postcodeLetters = "ABCDEGHJKLMNPRTVWX"

var domains = [3]string{"com", "net", "org"} // of RFC 2606: nobody gets mail there

// day picks a birthday.
func (b births) day(c *chance) time.Time {
	days := float64(b.last - b.first + 1)
	share := c.share()
	if b.thinning {
		share = 1 - math.Sqrt(1-share)
	}
	return time.Unix((b.last-int64(share*days))*secondsPerDay, 0).UTC()
}

// digits appends a number with at least so many digits.
func digits(b []byte, n uint64, least int) []byte {
	for limit := uint64(math.Pow10(least - 1)); limit > 1 && n < limit; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, n, 10)
}

// chance is a sequence of random numbers: splitmix64.
type chance uint64

func (c *chance) next() uint64 {
	*c += 0x9e3779b97f4a7c15
	return mix(uint64(*c))
}

// below is a number from 0 to n-1.
func (c *chance) below(n uint64) uint64 {
	high, _ := bits.Mul64(c.next(), n)
	return high
}

// share is a number from 0 up to, and without, 1.
func (c *chance) share() float64 { return float64(c.next()>>11) / (1 << 53) }

func pick[T any](c *chance, from []T) T { return from[c.below(uint64(len(from)))] }
