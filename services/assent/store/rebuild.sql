-- name: lock
lock table positions, audit, requests, findings in access exclusive mode

-- name: unguard
alter table audit disable trigger append_only

-- name: empty
truncate audit, requests, findings

-- name: guard
alter table audit enable trigger append_only

-- name: forget
delete from positions where reader in ('audit', 'status')

-- name: read_anew
delete from positions where reader = 'notify' and ledger = $1::text::ledger and partition = $2

-- name: forget_requests
delete from notification_requests where partition = $1

-- name: forget_news
delete from notifications where partition = $1 and seq > $2 and (event = 'key-registered') = $3
