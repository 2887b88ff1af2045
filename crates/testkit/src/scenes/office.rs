//! Background: twenty hosts at work.

use super::stage::{HOUR, MINUTE, SECOND, Stage};
use crate::Frame;
use crate::dns::kind;
use crate::tls::BROWSER;
use crate::windows::{Login, Smb};

/// Hosts at work.
const HOSTS: i64 = 20;
/// Sites that they visit.
const SITES: u64 = 23;

const MAIL: &str = "10.0.0.25:993";
const FILES: &str = "10.0.0.20";
const CLOCK: &str = "10.0.0.123:123";

/// The `n`-th host.
pub(super) fn host(n: i64) -> String {
    format!("10.0.1.{}", 10 + n.rem_euclid(HOSTS))
}

impl Stage {
    /// An office from `from` to `to`: browsing and mail in hours of work, files in the morning, clocks all day. Weekends are
    /// quiet. Of more than two weeks there is less each day, so that the capture stays small.
    pub(super) fn office(&mut self, from: i64, to: i64) {
        let sparse = to - from > 14 * 24 * HOUR;
        for n in 0..HOSTS {
            let host = host(n);
            for hour in from / HOUR..(to + HOUR - 1) / HOUR {
                let begin = hour * HOUR;
                let (of_day, of_week) = (hour.rem_euclid(24), hour.div_euclid(24).rem_euclid(7));
                let works = of_week < 5 && (8..18).contains(&of_day);
                let moment = |s: &mut Self| begin + s.random.below(HOUR as u64) as i64;
                let often = if sparse { 12 } else { 1 };
                if hour % often == n % often {
                    let ms = moment(self);
                    self.ask(ms, &host, CLOCK, &clock(0x23), Some(&clock(0x24)));
                }
                if !works {
                    continue;
                }
                let ms = moment(self);
                let browses = if sparse { self.random.below(10) == 0 } else { self.random.below(2) == 0 };
                if browses {
                    self.browse(ms, &host);
                }
                let ms = moment(self);
                if self.random.below(if sparse { 20 } else { 3 }) == 0 {
                    self.mail(ms, &host);
                }
                let ms = moment(self);
                if of_day == 9 && (!sparse || of_week == n % 5) {
                    self.files(ms, &host, n);
                }
            }
        }
    }

    /// A burst of visits.
    fn browse(&mut self, mut ms: i64, host: &str) {
        for _ in 0..4 + self.random.below(6) {
            let site = self.random.below(SITES);
            let sizes = [300 + self.random.below(900) as usize, 1_500 + self.random.below(9_000) as usize];
            let place = (format!("www.site{site}.example"), format!("198.51.100.{}", 10 + site));
            self.visit(ms, host, (&place.0, &place.1), &BROWSER, sizes);
            ms += 2 * SECOND + self.random.below(28) as i64 * SECOND;
        }
    }

    /// Each host asks a site in clear, from `ms` on: so there are agents that many have, beside which another is rare.
    pub(super) fn agents(&mut self, ms: i64) {
        for n in 0..HOSTS {
            let (host, later) = (host(n), ms + n * 40 * SECOND);
            self.resolve(later - SECOND, &host, "news.plain.example", "198.51.100.91");
            let ask = super::stage::Ask {
                method: "GET",
                host: "news.plain.example",
                path: "/",
                head: "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)\r\nAccept: */*\r\nAccept-Language: en\r\n"
                    .to_owned(),
                body: Vec::new(),
                status: "200 OK",
                kind: "text/html",
                answer: b"<html><p>Nothing new.</p></html>".to_vec(),
            };
            self.http(later, &host, "198.51.100.91:80", &ask);
        }
    }

    fn mail(&mut self, ms: i64, host: &str) {
        let down = 2_000 + self.random.below(30_000) as usize;
        self.tls(ms, host, MAIL, "mail.office.example", &BROWSER, [700, down]);
    }

    /// Logs in at the file server and reads some files.
    fn files(&mut self, ms: i64, host: &str, n: i64) {
        let (user, name) = (format!("user{n}"), format!("PC{n}"));
        let login = Login::new("OFFICE", &user, &name, "FILES", self.random.draw());
        let c = self.open(ms, host, &format!("{FILES}:445"));
        let mut smb = Smb::new(c).login(&login).share(r"\\FILES\office");
        for k in 0..2 + self.random.below(4) {
            smb = smb.read(&format!("plans\\{n}-{k}.txt"), b"Nothing that matters.\r\n");
        }
        self.add(&mut smb.done().fin());
        let query = crate::dns::question(0, "_ipp._tcp.local", kind::PTR);
        let (from, to) = ((super::stage::addr(host), 5353), "224.0.0.251:5353");
        self.packet(super::stage::at(ms + MINUTE), &Frame::udp(from, to, &query));
    }
}

/// A message of NTP version 4 (RFC 5905 §7.3); `first` is its first octet.
fn clock(first: u8) -> Vec<u8> {
    let stratum = if first & 7 == 4 { 2 } else { 0 };
    [&[first, stratum, 6, 0xec][..], &[0; 36], &[0xea, 0x11, 0x22, 0x33, 0, 0, 0, 0]].concat()
}
