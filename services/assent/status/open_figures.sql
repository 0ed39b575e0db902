-- name: requests
select
  count(*) as open,
  count(*) filter (where submitted_at <= $1::bigint - 3600000) as older_1h,
  count(*) filter (where submitted_at <= $1::bigint - 86400000) as older_1d,
  count(*) filter (where submitted_at <= $1::bigint - 604800000) as older_7d,
  count(*) filter (where progress = 'unknown') as unsettled,
  -- R18, R29: governance carries out changes to itself, and nobody claims a set but its members.
  coalesce(
    $1::bigint - min(changed_at) filter (
      where progress = 'released' and resource_type <> all ($2) and not details ? 'members'
    ),
    0
  ) as unclaimed_ms
from requests
where status in ('needs_approval', 'approved')

-- name: findings
select count(*) from findings where closed_by is null and kind <> 'restored'
