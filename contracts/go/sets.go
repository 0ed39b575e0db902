package assent

// setMembersMax is how many members a set has at most (R29).
const setMembersMax = 1000

// memberKey is all that a set fixes of one of its members: what its payload lists, and what all members share.
type memberKey struct {
	resource, operation, digest, base               string
	requester, onBehalfOf, justification, emergency string
	notBefore, notAfter                             int64
}

// member is the key of a member's own submission. Its set lists exactly this change, or another one.
func (s Submitted) member() memberKey {
	return s.listed(s.Resource, s.Operation, s.Digest, s.Details.Base)
}

func (s Submitted) listed(resource, operation, digest, base string) memberKey {
	key := memberKey{
		resource: resource, operation: operation, digest: digest, base: base,
		requester: s.Principal, onBehalfOf: s.OnBehalfOf, justification: s.Justification,
		notBefore: s.Details.NotBefore, notAfter: s.Details.NotAfter,
	}
	if emergency := s.Details.Emergency; emergency != nil {
		key.emergency = map[bool]string{true: "true", false: "false"}[*emergency]
	}
	return key
}

// members is what the payload of a set lists; nothing if it is not a list of members.
func (s Submitted) members() []memberKey {
	payload, err := readObject(s.Payload)
	if err != nil || len(payload) != 1 {
		return nil
	}
	raw, _ := payload.raw("members")
	entries, err := readArray(raw)
	if err != nil || len(entries) > setMembersMax {
		return nil
	}
	var keys []memberKey
	for _, entry := range entries {
		members, err := readObject(entry)
		if err != nil {
			return nil
		}
		var texts [4]string
		found := 0
		for index, name := range []string{"resource", "operation", "digest", "base"} {
			raw, there := members.raw(name)
			if !there && name == "base" {
				continue
			}
			var ok bool
			if texts[index], ok = readText(raw); !ok {
				return nil
			}
			found++
		}
		if found != len(members) {
			return nil // there is a field that this version does not know
		}
		keys = append(keys, s.listed(texts[0], texts[1], texts[2], texts[3]))
	}
	return keys
}

// setReleases is the sets that the ledger has released, with what each lists. A set and its members are in different
// partitions, so the folds of all partitions share it. A decider that releases a member does not read the set's
// partition: whether the set was released is for readers to check.
type setReleases struct {
	waiting map[string]map[memberKey]bool // by the set's request: the members that have not ended
	ended   map[string]map[memberKey]bool // that ended before the release of their set was read
}

func newSetReleases() *setReleases {
	return &setReleases{waiting: map[string]map[memberKey]bool{}, ended: map[string]map[memberKey]bool{}}
}

func (s *setReleases) released(set string, members []memberKey) {
	waiting := map[memberKey]bool{}
	for _, member := range members {
		if !s.ended[set][member] {
			waiting[member] = true
		}
	}
	delete(s.ended, set)
	if len(waiting) > 0 {
		s.waiting[set] = waiting
	}
}

// memberEnded forgets a released member that has ended: its set allows each change once.
func (s *setReleases) memberEnded(set string, member memberKey) {
	waiting, there := s.waiting[set]
	if !there {
		if s.ended[set] == nil {
			s.ended[set] = map[memberKey]bool{}
		}
		s.ended[set][member] = true
		return
	}
	if delete(waiting, member); len(waiting) == 0 {
		delete(s.waiting, set)
	}
}

// allows reports whether the ledger has the release of a set that lists exactly this member.
func (s *setReleases) allows(set string, member memberKey) bool { return s.waiting[set][member] }
