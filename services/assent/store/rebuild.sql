-- name: lock
lock table positions, audit, requests in access exclusive mode

-- name: unguard
alter table audit disable trigger append_only

-- name: empty
truncate audit, requests

-- name: guard
alter table audit enable trigger append_only

-- name: forget
delete from positions where reader in ('audit', 'status')

-- name: notified
update positions
set seq = $3, value_sha256 = $4, governance = $5, next_offset = $6
where reader = 'notify' and ledger = $1::text::ledger and partition = $2 and next_offset > $6

-- name: forget_news
delete from notification_requests where partition = $1 and seq > $2
