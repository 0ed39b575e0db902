-- name: leave
insert into sign_ins (state_sha256, browser_sha256, verifier, nonce, return_to, ends_at, mac)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: come_back
delete from sign_ins
where state_sha256 = $1 and browser_sha256 = $2 and ends_at > $3
returning verifier, nonce, return_to, ends_at, mac

-- name: forget_ended
delete from sign_ins where ends_at <= $1
