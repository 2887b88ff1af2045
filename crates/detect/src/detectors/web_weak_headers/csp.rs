//! Content-Security-Policy (Level 3), as far as its grade asks for it.

/// Directives looked at of one policy.
const MAX_DIRECTIVES: usize = 64;

/// A policy: its directives and their sources, in small letters.
pub(super) struct Policy {
    directives: Vec<(String, Vec<String>)>,
}

impl Policy {
    /// `None` if there is no directive in it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut directives: Vec<(String, Vec<String>)> = Vec::new();
        for directive in text.to_lowercase().split([';', ',']).take(MAX_DIRECTIVES) {
            let mut words = directive.split_whitespace().map(str::to_owned);
            let Some(name) = words.next().filter(|n| n.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')) else {
                continue;
            };
            // Of several the first counts (§2.2.1).
            if !directives.iter().any(|d| d.0 == name) {
                directives.push((name, words.collect()));
            }
        }
        let known = |n: &str| {
            n.ends_with("-src")
                || matches!(
                    n,
                    "base-uri"
                        | "form-action"
                        | "frame-ancestors"
                        | "sandbox"
                        | "upgrade-insecure-requests"
                        | "report-uri"
                        | "report-to"
                )
        };
        directives.iter().any(|d| known(&d.0)).then_some(Self { directives })
    }

    /// The sources of a directive.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.directives.iter().find(|d| d.0 == name).map(|d| d.1.as_slice())
    }

    /// Where scripts may come from; `None`: nothing says so.
    fn scripts(&self) -> Option<&[String]> {
        ["script-src-elem", "script-src", "default-src"].iter().find_map(|n| self.get(n))
    }

    fn has_guard(sources: &[String]) -> bool {
        sources.iter().any(|s| s == "'strict-dynamic'" || s.starts_with("'nonce-") || s.starts_with("'sha"))
    }

    /// May scripts stand in the page itself?
    pub fn allows_inline(&self) -> bool {
        self.scripts().is_some_and(|s| s.iter().any(|s| s == "'unsafe-inline'") && !Self::has_guard(s))
    }

    /// May scripts come from everywhere?
    pub fn allows_everything(&self) -> bool {
        let Some(sources) = self.scripts() else { return true };
        let everywhere =
            |s: &String| matches!(s.as_str(), "*" | "data:" | "http:" | "https:" | "http://*" | "https://*");
        !sources.iter().any(|s| s == "'strict-dynamic'") && sources.iter().any(everywhere)
    }

    pub fn allows_eval(&self) -> bool {
        self.scripts().is_some_and(|s| s.iter().any(|s| s == "'unsafe-eval'"))
    }

    /// May anything come by HTTP? Scripts from everywhere count by themselves.
    pub fn allows_http(&self) -> bool {
        let resources = self.directives.iter().filter(|d| d.0.ends_with("-src"));
        resources.flat_map(|d| &d.1).any(|s| s.starts_with("http:")) && self.get("upgrade-insecure-requests").is_none()
    }

    /// Are plug-ins and the base of addresses open?
    pub fn leaves_open(&self) -> bool {
        (self.get("object-src").is_none() && self.get("default-src").is_none()) || self.get("base-uri").is_none()
    }

    pub fn denies_by_default(&self) -> bool {
        self.get("default-src").is_some_and(|s| s.iter().all(|s| s == "'none'"))
    }

    /// The nonce of scripts.
    pub fn nonce(&self) -> Option<&str> {
        self.scripts()?.iter().find_map(|s| s.strip_prefix("'nonce-")?.strip_suffix('\''))
    }
}
