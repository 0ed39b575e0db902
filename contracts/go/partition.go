package assent

import "encoding/binary"

// Murmur2 is the unsigned 32-bit murmur2 hash of a key, with the seed of Kafka's default partitioner.
func Murmur2(key []byte) uint32 {
	const m = 0x5bd1e995
	hash := 0x9747b28c ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		word := binary.LittleEndian.Uint32(key) * m
		hash = hash*m ^ (word^word>>24)*m
	}
	if len(key) > 0 {
		for index, each := range key {
			hash ^= uint32(each) << (8 * index)
		}
		hash *= m
	}
	hash = (hash ^ hash>>13) * m
	return hash ^ hash>>15
}

// PartitionFor is the partition, of so many, in which a record with this key belongs. Decisions are made only
// on commands that are there; others are refused as misrouted.
func PartitionFor(key []byte, partitions int) int {
	return int(Murmur2(key)&0x7fffffff) % partitions
}
