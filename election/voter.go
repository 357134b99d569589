package election

import "time"

// VoterID identifies a voter on the public register. No record, row or page has it together with a choice.
type VoterID string

// Voter is an entry of the public register, the value of a record of voters_topic; its key is the voter's id.
type Voter struct {
	ID                 VoterID    `json:"voter_id"`
	Name               string     `json:"voter_name"`
	DateOfBirth        string     `json:"date_of_birth"` // 2006-01-02
	Gender             string     `json:"gender"`        // one of Genders
	Nationality        string     `json:"nationality"`
	RegistrationNumber string     `json:"registration_number"`
	Address            Address    `json:"address"`
	Email              string     `json:"email"`
	PhoneNumber        string     `json:"phone_number"`
	CellNumber         string     `json:"cell_number"`
	Picture            string     `json:"picture"`
	RegisteredAge      int        `json:"registered_age"` // years, on the day the polls open
	DistrictID         DistrictID `json:"district_id"`
}

// Address is where a voter lives.
type Address struct {
	Street   string `json:"street"`
	City     string `json:"city"`
	State    string `json:"state"`
	Country  string `json:"country"`
	Postcode string `json:"postcode"`
}

// AgeGroupOf is the age group for an age in years, empty below 18.
func AgeGroupOf(years int) string {
	switch {
	case years < 18:
		return ""
	case years < 25:
		return "18-24"
	case years < 35:
		return "25-34"
	case years < 45:
		return "35-44"
	case years < 55:
		return "45-54"
	case years < 65:
		return "55-64"
	}
	return "65+"
}

// AgeOn is the age in whole years, on a day, of somebody who was born on the day birth.
func AgeOn(day, birth time.Time) int {
	years := day.Year() - birth.Year()
	if day.Month() < birth.Month() || day.Month() == birth.Month() && day.Day() < birth.Day() {
		years--
	}
	return years
}
