package step

import "encoding/json"

// Encoded is a plan whose steps are JSON already: the supervisor passes them
// on without decoding them.
type Encoded struct {
	Steps   []json.RawMessage `json:"steps"`
	Stepped bool              `json:"stepped,omitempty"`
	Trees   []int             `json:"trees,omitempty"` // numbers of the descriptors that come with it
}

// document is the plan in JSON. The steps, most of it, have been checked
// already: package json would read each once more.
func (e Encoded) document() ([]byte, error) {
	rest, err := json.Marshal(struct {
		Stepped bool  `json:"stepped"`
		Trees   []int `json:"trees"`
	}{e.Stepped, e.Trees})
	if err != nil {
		return nil, err
	}
	document := []byte(`{"steps":[`)
	for i, s := range e.Steps {
		if i > 0 {
			document = append(document, ',')
		}
		document = append(document, s...)
	}
	return append(append(document, "],"...), rest[1:]...), nil
}

// decode makes the plan that init performs. The supervisor's steps are done by
// then.
func (e Encoded) decode() (Plan, error) {
	p := Plan{Stepped: e.Stepped, trees: e.Trees, Steps: make([]Step, len(e.Steps))}
	for i, raw := range e.Steps {
		if err := p.Steps[i].UnmarshalJSON(raw); err != nil {
			return p, err
		}
	}
	return p, nil
}

// UnmarshalJSON decodes a whole plan.
func (p *Plan) UnmarshalJSON(b []byte) error {
	var e Encoded
	err := json.Unmarshal(b, &e)
	if err == nil {
		*p, err = e.decode()
	}
	return err
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
