//! What a device asks a router to let in from outside, by UPnP (WANIPConnection:1 §2.4.16 AddPortMapping, WANIPConnection:2
//! §2.5.17 AddAnyPortMapping): SOAP over HTTP. Told only if somebody judges.

use crate::Cx;
use sekisho_record::{Head, Record, Text};

/// Longest value told.
const MAX_VALUE_LEN: usize = 128;

/// A request that a router let something in.
#[derive(Clone, Debug, Record)]
#[record(log = "port_mapping")]
pub struct PortMappingRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Port on the router's outside.
    pub external_port: Option<u16>,
    /// `TCP` or `UDP`.
    pub protocol: Option<Text>,
    /// Host inside that gets what comes.
    pub internal_host: Option<Text>,
    /// Its port.
    pub internal_port: Option<u16>,
    /// What it is for, in the device's words.
    pub description: Option<Text>,
    /// The router's answer; unset if none was seen.
    pub status: Option<u64>,
    /// Number of the packet that settled it.
    pub packet: u64,
}

/// Tells of the request with this body, if it is one.
pub(super) fn tell(body: &[u8], status: Option<u64>, head: Head, cx: &mut Cx<'_>) {
    let asks = [&b":AddPortMapping"[..], b":AddAnyPortMapping"];
    if asks.iter().all(|name| memchr::memmem::find(body, name).is_none()) {
        return;
    }
    let value = |name: &[u8]| element(body, name).filter(|v| !v.is_empty());
    let text = |name: &[u8]| value(name).map(|v| Text::from(v.get(..MAX_VALUE_LEN).unwrap_or(v)));
    let number = |name: &[u8]| std::str::from_utf8(value(name)?).ok()?.parse().ok();
    let row = PortMappingRecord {
        head,
        external_port: number(b"NewExternalPort"),
        protocol: text(b"NewProtocol"),
        internal_host: text(b"NewInternalClient"),
        internal_port: number(b"NewInternalPort"),
        description: text(b"NewPortMappingDescription"),
        status,
        packet: cx.source,
    };
    cx.emit(row);
}

/// Content of the first element with that name; such arguments have neither prefix nor elements within (UPnP Device
/// Architecture §3.2.1), though some write a type into the tag.
fn element<'a>(body: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let open = [b"<", name].concat();
    for at in memchr::memmem::find_iter(body, &open) {
        let rest = body.get(at + open.len()..)?;
        if !matches!(rest.first(), Some(b'>' | b' ' | b'\t' | b'\r' | b'\n')) {
            continue;
        }
        let content = rest.get(memchr::memchr(b'>', rest)? + 1..)?;
        return content.get(..memchr::memchr(b'<', content)?).map(<[u8]>::trim_ascii);
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use crate::{ProtoId, Transport};
    use sekisho_types::Dir;

    const ASK: &str = "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
        <u:AddPortMapping xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"><NewRemoteHost></NewRemoteHost>\
        <NewExternalPort dt:dt=\"ui2\">8022</NewExternalPort><NewProtocol>TCP</NewProtocol>\
        <NewInternalPort>22</NewInternalPort><NewInternalClient>192.168.1.5</NewInternalClient>\
        <NewEnabled>1</NewEnabled><NewPortMappingDescription>my password=x</NewPortMappingDescription>\
        </u:AddPortMapping></s:Body></s:Envelope>";

    fn told(log: &str, judged: bool, body: &str, answer: &str) -> Vec<String> {
        let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 5000);
        bench.out.judged = judged;
        let head = "POST /ctl/IPConn HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n";
        bench.data(Dir::Orig, format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        bench.data(Dir::Resp, answer.as_bytes()).end();
        bench.rows(log)
    }

    #[test]
    fn what_a_router_is_asked_to_let_in() {
        let yes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let rows = told("port_mapping", true, ASK, yes);
        let [row] = &rows[..] else { panic!("{rows:?}") };
        for part in [
            "external_port=Count(8022)",
            "protocol=Str(\"TCP\")",
            "internal_host=Str(\"192.168.1.5\")",
            "internal_port=Count(22)",
            "description=Str(\"my password=x\")",
            "status=Count(200)",
        ] {
            assert!(row.contains(part), "{part}: {row}");
        }
        assert_eq!(told("credential", true, ASK, yes).len(), 0, "no form");
        let no = told("port_mapping", true, ASK, "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n");
        assert!(no[0].contains("status=Count(500)"));
        assert!(told("port_mapping", true, ASK, "").iter().all(|row| !row.contains("status=")));
        assert_eq!(told("port_mapping", false, ASK, yes).len(), 0);
        assert_eq!(told("port_mapping", true, &ASK.replace(":Add", ":Get"), yes).len(), 0);
        let cut = told("port_mapping", true, ASK.split("<NewProtocol>").next().unwrap(), yes);
        assert!(cut[0].contains("external_port") && !cut[0].contains("protocol="));
    }
}
