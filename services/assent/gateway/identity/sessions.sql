-- name: open
insert into sessions (token_sha256, principal, csrf, id_token, opened_at, seen_at, ends_at)
values ($1, $2, $3, $4, $5, $5, $6)

-- name: find
select principal, csrf, id_token, seen_at
from sessions
where token_sha256 = $1 and ends_at > $2 and seen_at > $3

-- name: holding
select token_sha256
from sessions
where token_sha256 = any($1::bytea[]) and ends_at > $2 and seen_at > $3

-- name: seen
update sessions set seen_at = $2 where token_sha256 = $1

-- name: close
delete from sessions where token_sha256 = $1

-- name: forget_ended
delete from sessions where ends_at <= $1 or seen_at <= $2
