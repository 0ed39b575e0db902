"""The configuration of one broker of the cluster, and its users."""

import base64
import hashlib
import secrets
from pathlib import Path
from typing import Final, NamedTuple

_ITERATIONS: Final = 8_192


class Ports(NamedTuple):
    """Where one broker listens on 127.0.0.1."""

    clients: int
    brokers: int
    controllers: int


_PROPERTIES: Final = """\
process.roles=broker,controller
node.id={node}
broker.rack=rack-{node}
controller.quorum.voters={voters}
log.dirs={data}

# Programs use TLS and a password. Brokers and controllers know each other by their certificates, because the
# users are in the metadata on which controllers have yet to agree.
listeners=CLIENTS://127.0.0.1:{ports.clients},BROKERS://127.0.0.1:{ports.brokers},\
CONTROLLERS://127.0.0.1:{ports.controllers}
advertised.listeners=CLIENTS://127.0.0.1:{ports.clients},BROKERS://127.0.0.1:{ports.brokers}
listener.security.protocol.map=CLIENTS:SASL_SSL,BROKERS:SSL,CONTROLLERS:SSL
inter.broker.listener.name=BROKERS
controller.listener.names=CONTROLLERS
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.client.auth=required
listener.name.clients.ssl.client.auth=none
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT

ssl.keystore.type=PEM
ssl.keystore.location={certificate}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
# A certificate can be replaced while the broker runs only where it is set for its listener.
listener.name.clients.ssl.keystore.type=PEM
listener.name.clients.ssl.keystore.location={certificate}
listener.name.brokers.ssl.keystore.type=PEM
listener.name.brokers.ssl.keystore.location={certificate}
listener.name.brokers.ssl.truststore.type=PEM
listener.name.brokers.ssl.truststore.location={authority}

authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users={supers}

auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
unclean.leader.election.enable=false
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
offsets.topic.replication.factor=3
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0

# After this time a broker that was killed is known to be dead. Kafka's default is 9 s.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
"""


def properties(
    node: int, ports: dict[int, Ports], *, data: Path, certificate: Path, authority: Path, admin: str
) -> str:
    """The text of the file. `ports`: of all brokers, by node; `admin`: the login that may do everything."""
    return _PROPERTIES.format(
        node=node,
        voters=",".join(f"{each}@127.0.0.1:{at.controllers}" for each, at in ports.items()),
        data=data,
        ports=ports[node],
        certificate=certificate,
        authority=authority,
        supers=";".join(f"User:{name}" for name in (*map(certificate_name, ports), admin)),
    )


def certificate_name(node: int) -> str:
    """The name in a broker's certificate, and so its principal. No user may be called so."""
    return f"broker-{node}"


def scram_user(name: str, password: str) -> str:
    """A user, as the program that formats a broker's storage takes it. It is as secret as the password."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    encoded, hidden = (base64.b64encode(each).decode() for each in (salt, salted))
    return f'SCRAM-SHA-512=[name={name},iterations={_ITERATIONS},salt="{encoded}",saltedpassword="{hidden}"]'
