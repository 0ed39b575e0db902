-- name: members_of_set
-- R29: anyone may submit a request that names a set. A member is one that the set lists, by the set's requester: the
-- first such request of each object that was not freed.
select distinct on (resource) id, resource, status, progress, newest_version is not null
from requests
join unnest($3::text[], $4::text[], $5::text[]) as listed (resource, operation, digest)
  using (resource, operation, digest)
where part_of = $1 and requester = $2
order by resource, status in ('canceled', 'expired', 'rejected'), seq
