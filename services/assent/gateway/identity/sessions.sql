-- name: open
insert into sessions (token_sha256, principal, csrf, id_token, opened_at, seen_at, ends_at, key_id, mac)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: find
select token_sha256, principal, csrf, id_token, opened_at, seen_at, ends_at, mac
from sessions
where token_sha256 = any($1::bytea[]) and ends_at > $2 and seen_at > $3 and key_id = $4

-- name: seen
update sessions set seen_at = $2, mac = $3 where token_sha256 = $1

-- name: close
delete from sessions where token_sha256 = $1

-- name: forget_ended
delete from sessions where ends_at <= $1 or seen_at <= $2
