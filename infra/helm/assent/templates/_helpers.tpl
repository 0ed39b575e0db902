{{- define "assent.fullname" -}}
{{- if contains "assent" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-assent" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "assent.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: assent
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "assent.selector" -}}
app.kubernetes.io/name: assent
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "assent.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "assent.kafka.cluster" -}}{{ include "assent.fullname" . }}-kafka{{- end }}
{{- define "assent.postgres.cluster" -}}{{ include "assent.fullname" . }}-postgres{{- end }}

{{- define "assent.kafka.caSecret" -}}
{{- if .Values.kafka.strimzi.enabled }}{{ include "assent.kafka.cluster" . }}-cluster-ca-cert{{ else }}{{ .Values.kafka.ca.secret }}{{ end }}
{{- end }}

{{- define "assent.postgres.caSecret" -}}
{{- if .Values.postgres.cnpg.enabled }}{{ include "assent.postgres.cluster" . }}-ca{{ else }}{{ .Values.postgres.ca.secret }}{{ end }}
{{- end }}

{{/* Every process that the chart runs, as a list: its name, role in Kafka, module, settings, and what it needs. */}}
{{- define "assent.workloads" -}}
{{- $all := list }}
{{- $postgres := dict "decider" "assent_reader" "status" "assent_status" "audit" "assent_audit" "notify" "assent_notify" "gateway" "assent_gateway" }}
{{- range $name, $spec := .Values.services }}
{{- if $spec.enabled }}
{{- $all = append $all (dict "name" $name "role" $name "module" $name "spec" $spec "databaseRole" (get $postgres $name)) }}
{{- end }}
{{- end }}
{{- range .Values.appliers }}
{{- $all = append $all (dict "name" (printf "applier-%s" .name) "role" "applier" "module" "applier" "spec" . "file" "ASSENT_APPLIER_FILE") }}
{{- end }}
{{- range .Values.reconcilers }}
{{- $all = append $all (dict "name" (printf "reconciler-%s" .name) "role" "reconciler" "module" "reconcile" "spec" . "file" "ASSENT_RECONCILE_FILE") }}
{{- end }}
{{- range .Values.upstreams }}
{{- $all = append $all (dict "name" (printf "upstream-%s" .name) "role" "upstream" "module" "upstream" "spec" . "file" "ASSENT_UPSTREAM_FILE" "databaseRole" "assent_upstream") }}
{{- end }}
{{- toJson (dict "workloads" $all) }}
{{- end }}

{{/* The login of a workload in Postgres. */}}
{{- define "assent.login" -}}{{ printf "assent_%s_login" (.name | replace "-" "_") }}{{- end }}

{{- define "assent.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "assent.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* How to reach Kafka, as the user `user`. */}}
{{- define "assent.kafka.env" -}}
{{- $kafka := .root.Values.kafka }}
- {name: ASSENT_KAFKA, value: {{ if $kafka.strimzi.enabled }}{{ printf "%s-kafka-bootstrap.%s.svc:9093" (include "assent.kafka.cluster" .root) .root.Release.Namespace | quote }}{{ else }}{{ required "Set kafka.bootstrap, or kafka.strimzi.enabled" $kafka.bootstrap | quote }}{{ end }}}
- {name: ASSENT_KAFKA_SECURITY_PROTOCOL, value: {{ $kafka.securityProtocol }}}
- {name: ASSENT_KAFKA_CA_FILE, value: /run/secrets/kafka-ca/ca.crt}
- {name: ASSENT_KAFKA_SASL_MECHANISM, value: {{ $kafka.saslMechanism }}}
- {name: ASSENT_KAFKA_SASL_USERNAME, value: {{ printf "%s-%s" (include "assent.fullname" .root) .user | quote }}}
- {name: ASSENT_KAFKA_SASL_PASSWORD_FILE, value: /run/secrets/kafka/password}
{{- end }}

{{- define "assent.kafka.mounts" -}}
- {name: kafka, mountPath: /run/secrets/kafka, readOnly: true}
- {name: kafka-ca, mountPath: /run/secrets/kafka-ca, readOnly: true}
{{- end }}

{{- define "assent.kafka.volumes" -}}
- name: kafka
  secret: {secretName: {{ include "assent.fullname" .root }}-{{ .user }}, defaultMode: 0440, items: [{key: password, path: password}]}
- name: kafka-ca
  secret: {secretName: {{ required "Set kafka.ca.secret" (include "assent.kafka.caSecret" .root) }}, defaultMode: 0444, items: [{key: {{ .root.Values.kafka.ca.key }}, path: ca.crt}]}
{{- end }}

{{/* How to reach Postgres, as `login`. */}}
{{- define "assent.postgres.env" -}}
{{- if .root.Values.postgres.cnpg.enabled }}
- {name: ASSENT_POSTGRES, value: {{ printf "postgresql://%s@%s-rw.%s.svc:5432/assent?sslmode=verify-full&sslrootcert=/run/secrets/postgres-ca/ca.crt" .login (include "assent.postgres.cluster" .root) .root.Release.Namespace | quote }}}
{{- else }}
- {name: ASSENT_POSTGRES, value: {{ required "Set postgres.address, or postgres.cnpg.enabled" .root.Values.postgres.address | replace "postgresql://" (printf "postgresql://%s@" .login) | quote }}}
{{- end }}
- {name: ASSENT_POSTGRES_PASSWORD_FILE, value: /run/secrets/postgres/password}
{{- end }}

{{- define "assent.postgres.mounts" -}}
- {name: postgres, mountPath: /run/secrets/postgres, readOnly: true}
- {name: postgres-ca, mountPath: /run/secrets/postgres-ca, readOnly: true}
{{- end }}

{{- define "assent.postgres.volumes" -}}
- name: postgres
  secret: {secretName: {{ include "assent.fullname" .root }}-postgres-{{ .name }}, defaultMode: 0440, items: [{key: password, path: password}]}
- name: postgres-ca
  secret: {secretName: {{ required "Set postgres.ca.secret" (include "assent.postgres.caSecret" .root) }}, defaultMode: 0444, items: [{key: {{ .root.Values.postgres.ca.key }}, path: ca.crt}]}
{{- end }}

{{/* Not empty if a service is scaled by its lag. */}}
{{- define "assent.scales" -}}
{{- range $name := list "status" "audit" "notify" }}{{ if (get $.Values.services $name).autoscaling.enabled }}yes{{ end }}{{ end }}
{{- end }}
