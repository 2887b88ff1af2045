use crate::config::{Config, NoFiles};
use crate::{Limits, Source, explain, load};

fn words(rule: &str) -> String {
    let loaded = load(&[Source::new("t.rules", rule)], &Config::default(), &mut NoFiles, &Limits::default());
    assert_eq!(loaded.report.refused_count, 0, "{:?}", loaded.report.remarks);
    explain(&loaded.set.rules[0], &loaded.set)
}

#[test]
fn explains_a_rule() {
    let text = words(concat!(
        "alert http $HOME_NET any -> any 8080 (msg:\"a thing\"; flow:established,to_server; http.method; content:\"GET\"; ",
        "http.uri; to_lowercase; content:\"/a|00|b\"; startswith; content:\"c\"; distance:1; within:5; pcre:\"/d+/iR\"; ",
        "flowbits:set,x; threshold:type limit, track by_src, count 1, seconds 60; classtype:odd; sid:7; rev:2;)"
    ));
    let expected = concat!(
        "Rule 7, revision 2: a thing\n",
        "  class odd, priority 3\n",
        "\n",
        "It looks at http traffic from $HOME_NET to any port 8080\n",
        "and alerts when all of this holds:\n",
        "   1. it goes to the server, the flow is established\n",
        "   2. http.method:\n",
        "        - contains \"GET\"\n",
        "   3. http.uri, in lower case:\n",
        "        - begins with \"/a|00|b\"\n",
        "        - contains \"c\", behind the match before by 1 and within 5 bytes of there\n",
        "        - matches /d+/, in any case, behind the match before\n",
        "\n",
        "Then:\n",
        "      - the flow bit x is set\n",
        "      - at most 1 alerts in 60 seconds for the source\n",
    );
    assert_eq!(text, expected);
}

#[test]
fn explains_numbers_and_bits() {
    let text = words("drop mqtt any any -> any any (mqtt.type:CONNECT,0; mqtt.flags:!dup; tcp.flags:S,12; sid:1;)");
    assert!(text.contains("number 0 (from 0) is 1"), "{text}");
    assert!(text.contains("exactly SYN are set (ECE, CWR do not matter)"), "{text}");
}
