//! The columns that the page reads, by log. A log without one of them has it unset.

use crate::cells::columns;

columns! {
    conn {
        TS "ts", ORIG "id.orig_h", ORIG_P "id.orig_p", RESP "id.resp_h", RESP_P "id.resp_p", PROTO "proto", SERVICE "service", APP "app",
        STATE "conn_state", MISSED "missed_bytes",
        ORIG_PKTS "orig_pkts", ORIG_BYTES "orig_ip_bytes", RESP_PKTS "resp_pkts", RESP_BYTES "resp_ip_bytes",
        ORIG_DATA "orig_bytes", RESP_DATA "resp_bytes", ONE_SIDED "one_sided", UID "uid", DURATION "duration",
        ORIG_MAC "orig_l2_addr", RESP_MAC "resp_l2_addr", ORIG_AGAIN "orig_retransmitted_pkts",
        RESP_AGAIN "resp_retransmitted_pkts", CONNECT "connect_time", RESPONSE "response_time",
    }
    arp { TS "ts", MAC "orig_mac", ADDR "orig_h" }
    dhcp { TS "ts", MAC "mac", HOST_NAME "host_name", FQDN "client_fqdn", CLIENT "client_addr", ASSIGNED "assigned_addr" }
    dns { TS "ts", ORIG "id.orig_h", ORIG_P "id.orig_p", RESP "id.resp_h", RESP_P "id.resp_p", QUERY "query", RCODE "rcode_name", ANSWERS "answers" }
    http { UID "uid", ORIG "id.orig_h", RESP "id.resp_h", HOST "host", AGENT "user_agent", USER "username",
           STATUS "status_code" }
    quic { UID "uid", NAME "server_name" }
    ssl { TS "ts", UID "uid", ORIG "id.orig_h", RESP "id.resp_h", NAME "server_name", VERSION "version",
          CHAIN "cert_chain_fps", TRUST "validation_status", MATCHES "sni_matches_cert" }
    x509 {
        TS "ts", FINGERPRINT "fingerprint", SUBJECT "certificate.subject", ISSUER "certificate.issuer",
        BEFORE "certificate.not_valid_before", AFTER "certificate.not_valid_after", KEY_TYPE "certificate.key_type",
        KEY_LENGTH "certificate.key_length", SIGNATURE "certificate.sig_alg", HOST_CERT "host_cert",
    }
    files {
        TS "ts", FUID "fuid", UID "uid", ORIG "id.orig_h", RESP "id.resp_h", IS_ORIG "is_orig", SOURCE "source",
        MIME "mime_type", NAME "name", FILENAME "filename", SEEN "seen_bytes", TOTAL "total_bytes", MISSING "missing_bytes",
        SHA256 "sha256", COMPLETE "complete",
    }
    ftp { ORIG "id.orig_h", RESP "id.resp_h", USER "user", COMMAND "command", CODE "reply_code" }
    smtp {
        TS "ts", ORIG "id.orig_h", RESP "id.resp_h", FROM "mailfrom", TO "rcptto", SUBJECT "subject", DECODED "subject_decoded",
        USER "auth_user", ACCEPTED "auth_success",
    }
    ssh { CLIENT "client", SERVER "server" }
    weird { TS "ts", NAME "name", UID "uid", DETAIL "addl" }
    tunnel { KIND "tunnel_type", ORIG "id.orig_h", RESP "id.resp_h" }
}
