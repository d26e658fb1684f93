package step

import "encoding/json"

// Encoded is a plan whose steps are JSON already: the supervisor passes them
// on without decoding them.
type Encoded struct {
	Steps   []json.RawMessage `json:"steps"`
	Stepped bool              `json:"stepped,omitempty"`
	Trees   []int             `json:"trees,omitempty"` // numbers of the descriptors that come with it
}

// UnmarshalJSON decodes a plan as the supervisor sends it to init: the first
// step is done by then and stays JSON.
func (p *Plan) UnmarshalJSON(b []byte) error {
	var e Encoded
	if err := json.Unmarshal(b, &e); err != nil {
		return err
	}
	p.Stepped, p.trees = e.Stepped, e.Trees
	p.Steps = make([]Step, len(e.Steps))
	for i, raw := range e.Steps {
		if err := p.Steps[i].UnmarshalJSON(raw); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (p Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Steps   []Step `json:"steps"`
		Stepped bool   `json:"stepped,omitempty"`
	}{p.Steps, p.Stepped})
}

// Encode turns a plan into what Send takes.
func (p Plan) Encode() (Encoded, error) {
	e := Encoded{Stepped: p.Stepped}
	for _, s := range p.Steps {
		document, err := json.Marshal(s)
		if err != nil {
			return e, err
		}
		e.Steps = append(e.Steps, document)
	}
	return e, nil
}
