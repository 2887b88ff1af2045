//! All words of the page, in every language.

use super::language::Lang;

macro_rules! words {
    ($($name:ident: $en:literal, $ja:literal;)*) => {
        /// A word or sentence of the page; `{0}` and the like are places for values.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum W { $($name),* }

        impl W {
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// In a language.
            pub const fn of(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::En) => $en, (Self::$name, Lang::Ja) => $ja,)*
                }
            }
        }
    };
}

words! {
    // The frame.
    Title: "Network audit", "ネットワーク監査レポート";
    Contents: "Contents", "目次";
    SkipToContent: "Skip to content", "本文へ移動";
    Theme: "Theme", "配色";
    Auto: "Auto", "自動";
    Light: "Light", "ライト";
    Dark: "Dark", "ダーク";
    MadeBy: "Made by sekisho {0}. This file loads nothing and sends nothing. Times are UTC.",
        "sekisho {0} が作成。このファイルは外部から何も読み込まず、何も送信しません。時刻はすべて UTC です。";
    Copy: "Copy", "コピー";
    Copied: "Copied", "コピーしました";
    Filter: "Filter", "絞り込み";
    Shown: "{0} of {1} shown", "{1} 件中 {0} 件を表示";
    OpenAll: "Open all", "すべて開く";
    CloseAll: "Close all", "すべて閉じる";
    SortBy: "Sort by", "並べ替え";
    AsTable: "The same as numbers", "数値で見る";
    MoreRows: "… and {0} more, counted but not listed here.", "… ほか {0} 件（件数のみ集計し、ここには掲載していません）";
    MoreRowsUpTo: "… and up to {0} more, counted but not listed here.", "… ほか最大 {0} 件（件数のみ集計し、ここには掲載していません）";

    // Completeness.
    Completeness: "Completeness", "データの完全性";
    NothingMissing: "Nothing is known to be missing.", "欠落は確認されていません。";
    NotVisible: "Not visible in this capture", "このキャプチャからは分からないこと";
    MoreDamage: "{0} more captures are damaged.", "ほかに {0} 個のキャプチャファイルが破損しています。";
    Dropped: "The capturing interface dropped {0} {0|packet|packets}.", "取得時にインターフェースで {0} パケットが取りこぼされました。";
    CutPackets: "{0} {0|packet was|packets were} cut by the snapshot length: {1} are not in the capture.",
        "{0} パケットがスナップ長で切り詰められ、{1} 分のデータがキャプチャに含まれていません。";
    GapBytes: "{0} of streams are missing ({1} bytes).", "ストリームのうち {0}（{1} バイト）が欠落しています。";
    OneSided: "{0} of {1} flows were seen from one end only.", "{1} フロー中 {0} フローは片方向しか観測できていません。";
    Undecoded: "{0} {0|frame|frames} not decoded: ", "{0} フレームを解読できませんでした: ";
    LimitReached: "Limit reached {0} {0|time|times}: ", "上限に {0} 回達しました: ";
    Encrypted: "{0} {0|flow is|flows are} encrypted ({1} of IP bytes): who and how much is known, not what.",
        "{0} フロー（IP バイト数の {1}）は暗号化されています。通信相手と量は分かりますが、内容は分かりません。";
    Unrecognised: "{0} {0|flow|flows} ({1} of IP bytes) with data in no recognised protocol.",
        "{0} フロー（IP バイト数の {1}）は、プロトコルを識別できないデータを運んでいます。";
    DropsUnknown: "The capture does not say whether packets were dropped while it was made.",
        "取得時にパケットの取りこぼしがあったかどうかは、キャプチャに記録されていません。";
    FindingsRefused: "{0} {0|finding|findings} of little weight were not kept for want of room.",
        "重要度の低い検出事項 {0} 件は、容量の上限のため保持されていません。";
    DetectorsForgot: "Judged on partial memory: detectors forgot {0} {0|entry|entries}.",
        "検出処理は記憶容量の上限により {0} 件の情報を破棄しており、判定は一部の情報に基づきます。";
    StateOf: "State: {0} {0|fact|facts} of runs from {1} to {2} UTC were known; {3} kept for the next.",
        "状態ファイル: {1} ～ {2} UTC の実行で得た {0} 件の事実を参照し、次回のために {3} 件を保存しました。";
    StateBegins: "State: no earlier run; {0} {0|fact|facts} kept for the next.",
        "状態ファイル: 以前の実行はありません。次回のために {0} 件の事実を保存しました。";
    StateFull: "The state is full: {0} {0|fact|facts} left out, the oldest.",
        "状態ファイルが上限に達したため、古い順に {0} 件の事実を除外しました。";
    AllReadable: "All content that crossed was readable.", "観測された通信の内容はすべて読み取れました。";

    // At a glance.
    Glance: "At a glance", "概要";
    Critical: "Critical", "緊急";
    High: "High", "高";
    Medium: "Medium", "中";
    Low: "Low", "低";
    Info: "Info", "情報";
    Period: "Period", "期間";
    PeriodIs: "{0} to {1} UTC ({2})", "{0} ～ {1} UTC（{2}）";
    Packets: "Packets", "パケット";
    Bytes: "Bytes", "バイト数";
    OnAverage: ", {0} on average", "（平均 {0}）";
    Flows: "Flows", "フロー";
    HostsWord: "Hosts", "ホスト";
    HostsAre: "{0} inside, {1} outside", "内部 {0}、外部 {1}";
    TransportIs: "{0} {0|flow|flows}, {1}", "{0} フロー、{1}";
    AllInputs: "All {0} captures", "全 {0} 個のキャプチャ";
    Timeline: "Timeline", "タイムライン";
    TimelineSays: "Bytes and new flows in steps of {0}; above them {1} {1|finding|findings} where they begin.",
        "{0}ごとのバイト数と新規フロー数。上段は検出事項 {1} 件の発生時刻。";
    NewFlows: "New flows", "新規フロー";
    BinSays: "{0}: {1}, {2} new {2|flow|flows}", "{0}: {1}、新規フロー {2}";
    MarkSays: "{0} {0|finding|findings} of severity {1}", "重要度「{1}」の検出事項 {0} 件";

    // Incidents.
    Incidents: "Incidents", "インシデント";
    IncidentsSay: "Findings that belong together, as a story: by host, and where one host acted on another.",
        "関連する検出事項を、ホストごと、またホスト間の動きに沿って、一連の出来事としてまとめたものです。";
    RiskOf: "risk {0}", "リスク {0}";
    Story: "The steps", "経過";
    PointsOf: "{0} ({1} points)", "{0}（{1} 点）";
    StageFactor: "{0} stages ×{1}", "{0} 段階 ×{1}";
    StageFactorInOrder: "{0} stages in the order of attacks ×{1}", "攻撃の順序どおりの {0} 段階 ×{1}";
    AssetFactor: "a host that others need ×{0}", "他のホストが依存するホスト ×{0}";
    NextSteps: "Look at next", "次に確認すること";
    WhyRisk: "Why {0}: {1}", "{0} の内訳: {1}";
    MoreFetched: "{0} other {0|program|programs} came to these hosts meanwhile, from elsewhere; the list of files has them.",
        "この間、これらのホストはほかにも {0} 件のプログラムを別の場所から受け取っています（「ファイル」の一覧を参照）。";
    TimesUntil: "{0} {0|time|times} until {1}.", "{1} まで {0} 回。";
    OfPacket: "packet {0}", "パケット {0}";
    AlsoThere: "These hosts also have", "これらのホストのその他の問題";
    MoreIncidents: "{0} more {0|incident|incidents}: --json has them.", "ほか {0} 件のインシデントは --json で出力できます。";
    // Findings.
    Findings: "Findings", "検出事項";
    NoFindings: "Nothing that the detectors look for was seen.", "検出対象となる事象は見つかりませんでした。";
    Severity: "Severity", "重要度";
    Time: "Time", "時刻";
    Host: "Host", "ホスト";
    Judgement: "Judgement", "判定";
    Times: "Count", "件数";
    MoreFindings: "{0} more {0|finding is|findings are} counted here by judgement; --json has all of them.",
        "ほか {0} 件は判定ごとの件数のみ示します。全件は --json で出力できます。";
    NotToldCaption: "Findings not listed one by one", "個別に掲載していない検出事項";
    Muted: "{0} more {0|finding is|findings are} muted.", "ほか {0} 件は抑制（ミュート）されています。";
    MutedCaption: "Muted findings", "抑制（ミュート）された検出事項";
    Why: "Reason", "理由";
    MuteEnded: "The mute of {0} in line {1} ended on {2}: {3}", "{1} 行目の {0} の抑制（ミュート）は {2} に終了しました: {3}";
    Confidence: "Confidence", "確信度";
    With: "With", "相手";
    AndOthers: " and others", " ほか";
    When: "When", "発生時刻";
    Once: "{0} UTC, seen {1} {1|time|times}", "{0} UTC（{1} 回）";
    FromTo: "{0} to {1} UTC, seen {2} {2|time|times}", "{0} ～ {1} UTC（{2} 回）";
    Measures: "Measures", "測定値";
    Measure: "What was measured", "測定項目";
    Value: "Value", "値";
    Threshold: "Threshold", "しきい値";
    Source: "Threshold from", "しきい値の根拠";
    Quotes: "Words from the wire", "通信中の記録";
    InPacket: " (packet {0})", "（パケット {0}）";
    Harmless: "Harmless explanations", "無害な可能性の検討";
    LookedAt: "? – ", " → ";
    KnownHarmless: "Known harmless causes: ", "既知の無害な原因: ";
    NotSeen: "What could not be seen", "観測できなかったこと";
    NothingLowered: "Nothing that lowers the confidence.", "確信度を下げる要因はありません。";
    Next: "What to do next", "次に確認すること";
    Clears: "What makes it go away", "解消の条件";
    PacketNumbers: "Packets", "パケット番号";
    FlowIds: "Flows (uid)", "フロー（uid）";
    AndMore: " and {0} more", " ほか {0}";
    Code: "Code", "コード";
    Stage: "stage", "段階";
    Techniques: "ATT&CK", "ATT&CK";
    CutPacketsOut: "Cut its packets out", "該当パケットを切り出す";
    Explain: "How it is decided", "判定方法を調べる";
    Piped: "The capture was piped in: save it to a file to cut packets out of it.",
        "キャプチャは標準入力から読み込まれました。パケットを切り出すには、ファイルに保存してください。";

    // What could not be judged.
    Coverage: "What could not be judged", "判定できなかったこと";
    CoverageSays: "{0} of {1} judgements had all they need.", "{1} 種の判定のうち {0} 種は、必要な情報がすべて揃っていました。";
    CoverageCaption: "Judgements that this capture leaves blind or weakened", "このキャプチャでは判定できない、または精度が下がる判定";
    Sight: "Sight", "判定の可否";
    Blind: "blind", "判定不能";
    Weakened: "weakened", "精度低下";
    NotAskedFor: "Not asked for: ", "オプション未指定のため未実施: ";
    NothingToJudge: "Nothing to judge for {0} more: there was none of {1}.", "ほか {0} 種は対象となる通信がありませんでした（{1}）。";
    Comma: ", ", "、";
    CauseIs: "{0}: {1} ({2} of {3} {4})", "{0}: {1}（{3} {4}中 {2}）";
    MissingAre: ", {0} missing", "、{0} 欠落";
    ByTechnique: "By ATT&CK technique", "ATT&CK のテクニック別";
    ByTechniqueSays: "Of {0} techniques that judgements look for, {1} could be seen well, {2} less well, {3} not at all; for {4} there was nothing to look at. What of ATT&CK can be seen at all is told by `sekisho coverage`.",
        "判定の対象となる {0} 種のテクニックのうち、十分に観測できたものは {1} 種、精度が下がるものは {2} 種、観測できなかったものは {3} 種、対象となる通信がなかったものは {4} 種です。ATT&CK のうちそもそも観測できる範囲は `sekisho coverage` で確認できます。";
    Technique: "Technique", "テクニック";
    Tactic: "Tactic", "戦術";
    Judgements: "Judgements", "判定";
    FoundHere: "Found", "検出件数";
    Working: "working", "判定可能";
    Idle: "nothing to judge", "対象なし";

    // Plots and lists.
    Talkers: "Who talks to whom", "通信の相手";
    Map: "Map of pairs", "通信の関係図";
    MapSays: "{0} of {1} pairs; the wider a curve, the more bytes (logarithmic). Shapes are the worst finding about a host.",
        "全 {1} 組のうち {0} 組。線が太いほどバイト数が多い（対数）。記号はそのホストの最も重い検出事項。";
    MapTable: "The pairs and their numbers are in the table below.", "各組の数値は下の表にあります。";
    AtHome: "Inside", "内部";
    Elsewhere: "Outside and groups", "外部・マルチキャスト";
    Clients: "Mostly open flows", "主に接続する側";
    Servers: "Mostly answer", "主に応答する側";
    Others: "others", "その他";
    PairSays: "{0} – {1}: {2}, {3} {3|flow|flows}", "{0} – {1}: {2}、{3} フロー";
    TalkersCaption: "Pairs of hosts, by IP bytes", "ホストの組（IP バイト数順）";
    Opened: "Opened the first flow", "最初のフローを開いた側";
    Answered: "Other side", "相手";
    SentThere: "Sent there", "送信";
    SentBack: "Sent back", "返信";
    Week: "Hours of the week", "曜日と時間帯";
    WeekPlot: "New flows by weekday and hour (UTC)", "曜日・時間帯別の新規フロー数（UTC）";
    WeekSays: "The capture covers {0} of the 168 hours of a week; hatched hours were not observed.",
        "キャプチャの対象は 1 週間 168 時間のうち {0} 時間。斜線の時間帯は観測していません。";
    CellSays: "{0}: {1} new {1|flow|flows} an hour", "{0}: 1 時間あたり新規フロー {1}";
    CellUnseen: "{0}: not observed", "{0}: 観測なし（対象外）";
    NotObserved: "not observed", "対象外";
    PerHour: "{0} new flows an hour", "1 時間あたり {0} フロー";
    Day: "Day", "曜日";
    Mon: "Mon", "月";
    Tue: "Tue", "火";
    Wed: "Wed", "水";
    Thu: "Thu", "木";
    Fri: "Fri", "金";
    Sat: "Sat", "土";
    Sun: "Sun", "日";
    Hosts: "Hosts", "ホスト";
    HostsCaption: "Hosts, by IP bytes", "ホスト（IP バイト数順）";
    Address: "Address", "アドレス";
    Place: "Place", "位置";
    Inside: "inside", "内部";
    Outside: "outside", "外部";
    Group: "group", "マルチキャスト";
    NameWord: "Name", "名前";
    Serves: "Serves", "提供";
    Uses: "Uses", "利用";
    FlowsOut: "Flows out", "発信フロー";
    FlowsIn: "Flows in", "着信フロー";
    Sent: "Sent", "送信";
    Received: "Received", "受信";
    FirstSeen: "First seen", "最初の観測";
    LastSeen: "Last flow", "最後のフロー";
    Services: "Services and protocols", "サービスとプロトコル";
    ServicesCaption: "Services, by IP bytes", "サービス（IP バイト数順）";
    Service: "Service", "サービス";
    NeverAnswered: "never answered", "応答なし";
    Transport: "Transport", "トランスポート";
    Port: "Port", "ポート";
    ProtocolsCaption: "Protocols recognised by content", "内容から識別したプロトコル";
    Protocol: "Protocol", "プロトコル";
    LogRows: "Log rows", "ログ行数";
    TunnelsCaption: "Tunnels", "トンネル";
    Tunnel: "Tunnel", "トンネル";
    From: "From", "送信元";
    To: "To", "宛先";
    Names: "Names", "名前";
    DnsQueries: "DNS queries", "DNS の問い合わせ";
    Nxdomain: "DNS names that do not exist", "存在しない DNS 名";
    TlsServers: "TLS server names", "TLS のサーバー名";
    HttpHosts: "HTTP hosts", "HTTP のホスト";
    TlsVersions: "TLS versions", "TLS のバージョン";
    Programs: "Programs as they call themselves", "プログラムの自己申告名";
    Kind: "Kind", "種類";
    Dnssec: "DNSSEC", "DNSSEC の検証";
    DnssecCaption: "Verdicts on signed answers, the worst first", "署名付き応答の検証結果（重いものから）";
    DnssecRefused: "{0} {0|signature or hash was|signatures and hashes were} not computed because it would have been too much work.",
        "{0} 件の署名またはハッシュは、計算量が多すぎるため検証していません。";
    Packet: "Packet", "パケット";
    Certificates: "Certificates", "証明書";
    CertificatesCaption: "Certificates, those with problems first", "証明書（問題のあるものから）";
    Validity: "Validity of certificates", "証明書の有効期間";
    ValiditySays: "{0} of {1} certificates, those with problems first; the line is the time of the capture.",
        "全 {1} 枚のうち {0} 枚（問題のあるものから）。縦線はキャプチャの取得時期。";
    TimeOfCapture: "time of the capture", "キャプチャの取得時期";
    Subject: "Subject", "サブジェクト";
    MailSubject: "Subject", "件名";
    Problems: "Problems", "問題";
    Issuer: "Issuer", "発行者";
    ValidFrom: "Valid from", "有効期間の開始";
    ValidUntil: "Valid until", "有効期限";
    Key: "Key", "鍵";
    Signature: "Signature", "署名";
    Server: "Server", "サーバー";
    Fingerprint: "Fingerprint", "フィンガープリント";
    Expired: "expired {0}", "{0} に期限切れ";
    NotYet: "not valid before {0}", "{0} まで有効でない";
    NotFor: "not for {0}", "{0} 用ではない";
    WeakKey: "weak key {0}", "弱い鍵 {0}";
    WeakSignature: "weak signature {0}", "弱い署名 {0}";
    NotTrusted: "not trusted: {0}", "信頼されない: {0}";
    SelfSigned: "self-signed", "自己署名";
    Files: "Files", "ファイル";
    FilesCaption: "Files, largest first", "ファイル（大きい順）";
    Size: "Size", "サイズ";
    Whole: "Whole", "完全";
    Partial: "partial", "一部のみ";
    Yes: "yes", "はい";
    Type: "Type", "種別";
    Over: "Over", "経路";
    Sha256: "SHA-256", "SHA-256";
    FileTypesCaption: "Types of files", "ファイルの種別";
    MailsCaption: "Mail", "メール";
    Client: "Client", "クライアント";
    Logins: "Logins seen in clear", "平文のログイン";
    LoginsCaption: "User names that anyone on the path could read; passwords are not kept",
        "経路上の誰でも読み取れたユーザー名（パスワードは保存しません）";
    User: "User", "ユーザー";
    Outcome: "Outcome", "結果";
    Accepted: "accepted", "成功";
    Refused: "refused", "拒否";
    NotSaid: "not said", "不明";
    Oddities: "Oddities", "変則的な事象";
    OdditiesNote: "Facts, not judgements.", "事実の記録であり、判定ではありません。";
    AttemptsCaption: "Hosts with failed TCP connection attempts", "TCP 接続に失敗したホスト";
    Unanswered: "Unanswered", "応答なし";
    RefusedCount: "Refused", "拒否";
    HostsTried: "Hosts tried", "試行先ホスト";
    PortsTried: "Ports tried", "試行先ポート";
    WeirdsCaption: "Oddities by count", "変則的な事象（件数順）";
    Oddity: "Oddity", "事象";
    Flow: "Example flow", "フローの例";
    Detail: "Detail", "詳細";
    State: "State and limits", "処理状況と上限";
    NothingGivenUp: "Nothing was given up for want of memory.", "メモリ不足で省略した処理はありません。";
    MemoryCaption: "Memory: {0} allowed", "メモリ（上限 {0}）";
    Pool: "Pool", "用途";
    Peak: "Peak", "最大使用量";
    Limit: "Limit", "上限";

    // Comparisons.
    DiffTitle: "Before and after", "前後比較レポート";
    Verdict: "Result", "結論";
    Before: "Before", "前";
    After: "After", "後";
    Change: "Change", "変化";
    Unmoved: "no change", "変化なし";
    Chance: "Change or chance", "変化と偶然の見分け方";
    MayBeChance: "may be chance", "偶然の範囲内の可能性";
    TooSmall: "{0}: may be chance, or too little to matter", "{0}: 偶然の範囲内、またはわずかな差";
    NotComparable: "not comparable", "比較できません";
    OneSideOnly: "measured on one side only", "片側でのみ測定";
    NoneBefore: "none before", "以前はなし";
    Less: "{0} less", "{0} 減少";
    MoreBy: "{0} more", "{0} 増加";
    TimesAsMuch: "{0} times as much", "{0} 倍";
    PointsLess: "{0} points less", "{0} ポイント減少";
    PointsMore: "{0} points more", "{0} ポイント増加";
    GoneNew: "{0} gone, {1} new", "なくなったもの {0}、新規 {1}";
    AnHour: "{0}/h", "{0}/時";
    Outbound: "Outbound traffic", "外部への通信量";
    Inbound: "Inbound traffic", "外部からの通信量";
    ConnsOpened: "Connections opened", "開始した接続";
    ConnsAccepted: "Connections accepted", "受け付けた接続";
    ConnsFailed: "Connections failed", "失敗した接続";
    Retransmitted: "Retransmitted packets", "再送パケットの割合";
    Throughput: "Throughput, median", "スループット（中央値）";
    TimeToConnect: "Time to connect, median", "接続確立までの時間（中央値）";
    TimeToResponse: "Time to response, median", "応答を受けるまでの時間（中央値）";
    TimeToAnswer: "Time to own response, median", "応答を返すまでの時間（中央値）";
    Destinations: "Destinations", "通信先";
    FiguresSay: "Figures of all devices together", "全機器の合計値";
    BeforePerHour: "Before, an hour", "前（1 時間あたり）";
    AfterPerHour: "After, an hour", "後（1 時間あたり）";
    StandardDeviations: "z", "z 値";
    Probability: "p", "p 値";
    Real: "Beyond chance", "偶然を超える差";
    No: "no", "いいえ";
    Sides: "What was compared", "比較対象";
    ReadFrom: "Read from", "入力";
    FirstPacket: "First packet", "最初のパケット";
    LastPacket: "Last packet", "最後のパケット";
    Observed: "Observed", "観測時間";
    DevicesWord: "Devices", "機器";
    Nothing: "Nothing missing", "欠落なし";
    TrafficOverTime: "Traffic over time", "通信量の推移";
    TrafficSays: "IP bytes a second, both to the same scale; each side has its own hours.", "1 秒あたりの IP バイト数。縦軸は前後共通、横軸はそれぞれの時間帯。";
    BytesASecond: "{0}/s", "{0}/秒";
    Devices: "Devices", "機器ごとの変化";
    ByDevice: "Traffic by device", "機器ごとの通信量";
    ByDeviceSays: "IP bytes an hour, sent and received, before and after: the {0} {0|device|devices} that changed most, of {1} with something to tell.",
        "1 時間あたりの IP バイト数（送受信の合計）。変化のあった {1} 台のうち、変化の大きい {0} 台。";
    DevicesCaption: "Devices with something to tell", "変化のあった機器";
    Device: "Device", "機器";
    Became: "State", "状態";
    Changed: "changed", "変化あり";
    OnlyBefore: "gone", "なくなった";
    OnlyAfter: "new", "新規";
    Perhaps: "perhaps", "偶然の可能性";
    TrafficBefore: "Traffic before", "通信量 前";
    TrafficAfter: "Traffic after", "通信量 後";
    ConnsBefore: "Connections before", "接続数 前";
    ConnsAfter: "Connections after", "接続数 後";
    DestinationsGone: "Destinations gone", "なくなった通信先";
    DestinationsNew: "Destinations new", "新しい通信先";
    FindingsGone: "Findings gone", "なくなった検出事項";
    FindingsNew: "Findings new", "新しい検出事項";
    UnchangedDevices: "{0} {0|device|devices} without a change", "変化のない機器 {0} 台";
    NoDevices: "No device changed.", "変化のあった機器はありません。";
    ByMac: "The same device by its hardware address {0}.", "ハードウェアアドレス {0} により同じ機器と判断しました。";
    ByName: "The same device by its name.", "名前により同じ機器と判断しました。";
    ByAddress: "The same device by its address.", "アドレスにより同じ機器と判断しました。";
    Details: "Device by device", "機器別の詳細";
    MoreDevices: "{0} more {0|device is|devices are} in the table above and in --json.", "ほか {0} 台は上の表と --json にあります。";
    ChangedFindings: "Findings", "検出事項の変化";
    FindingsAre: "{0} new, {1} gone, {2} stayed.", "新規 {0} 件、なくなったもの {1} 件、継続 {2} 件。";
    KindsCaption: "By judgement", "判定ごとの件数";
    NoFindingsEither: "Nothing that the detectors look for was seen on either side.", "前後いずれにも、検出対象となる事象は見つかりませんでした。";
    MoreFindingPairs: "{0} more {0|finding is|findings are} counted here; --json has all of them.", "ほか {0} 件は件数のみ示します。全件は --json で出力できます。";
    New: "new", "新規";
    Gone: "gone", "消失";
    Stayed: "stayed", "継続";
    More: "more", "増加";
    Fewer: "less", "減少";
    ChangeWord: "Change and severity", "変化と重要度";
    WhenBefore: "When, before", "発生時刻（前）";
    WhenAfter: "When, after", "発生時刻（後）";
    CutBefore: "Cut its packets out, before", "該当パケットを切り出す（前）";
    CutAfter: "Cut its packets out, after", "該当パケットを切り出す（後）";
    PacketsBefore: "Packets, before", "パケット番号（前）";
    PacketsAfter: "Packets, after", "パケット番号（後）";
    Doubt: "Doubt", "確実でない理由";
    Items: "What came and went", "増えたもの・なくなったもの";
    NoItems: "Nothing came, went or changed beyond chance.", "偶然を超えて増えたもの・なくなったもの・変化したものはありません。";
    Alike: "{0} alike on both sides: {1}.", "前後で同じもの — {0}: {1} 件。";
    DestinationsCaption: "Destinations", "通信先";
    NamesCaption: "Names asked for", "問い合わせた名前";
    UsedCaption: "Services used", "利用したサービス";
    OfferedCaption: "Services offered", "提供したサービス";
    CertificatesChanged: "Certificates that came and went", "証明書の変化";
    ChangedCertificates: "Certificates", "証明書の変化";
    What: "What", "対象";
    TimesBefore: "Times before", "回数 前";
    TimesAfter: "Times after", "回数 後";
    BytesBefore: "Bytes before", "バイト数 前";
    BytesAfter: "Bytes after", "バイト数 後";
    Remark: "Remark", "備考";
    PerhapsCaption: "{0}, perhaps: too rare to say", "{0}（頻度が低く判断できないもの）";
    ShownTo: "shown to a device", "機器に提示された";
    ShownBy: "shown by a device", "機器が提示した";
    Role: "Role", "提示";
    Schedule: "Hours", "時間帯";
    ScheduleSays: "Flows an hour observed; both to the same scale. Hatched hours were not observed.", "観測 1 時間あたりのフロー数。濃淡は前後共通。斜線は観測していない時間帯。";
    ScheduleShort: "Less than a day was observed of a side: hours are shown, not compared.", "観測時間が 1 日に満たない側があるため、時間帯は表示のみで比較していません。";
    ScheduleDay: "Compared hour of the day by hour of the day.", "時刻ごとに比較しました。";
    ScheduleWeek: "Compared hour of the week by hour of the week.", "曜日と時刻ごとに比較しました。";
    ScheduleSame: "No hour differs beyond what the change as a whole explains.", "全体の変化で説明できない時間帯の差はありません。";
    MoreActive: "More active (▲): {0}.", "活動が増えた時間帯（▲）: {0}。";
    LessActive: "Less active (▼): {0}.", "活動が減った時間帯（▼）: {0}。";
    HourSays: "{0}: {1} flows an hour", "{0}: 1 時間あたり {1} フロー";
    ChanceSays: "{0} {0|test|tests} were made, {1} {1|difference was|differences were} taken for real: {2} standard deviations or more (flows come as a Poisson process, in bursts as measured), and of all differences taken for real at most {3} % are chance (Benjamini and Hochberg; p at most {4}). Speeds and times are compared by ranks (Mann and Whitney). Volumes and numbers are compared by the hour observed. What is below 10 % is no change, however certain.",
        "{0} 回の検定を行い、{1} 件の差を実際の変化と判断しました。条件は、標準偏差の {2} 倍以上の差であること（フローはポアソン過程とみなし、実測した集中の度合いで補正）、および変化と判断したもののうち偶然によるものを最大 {3} % に抑えること（Benjamini–Hochberg 法、p 値 {4} 以下）です。速度と時間は順位で比較しています（Mann–Whitney の検定）。通信量と件数は観測 1 時間あたりで比較しています。10 % 未満の差は、どれほど確実でも変化とはみなしません。";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_in_both_languages_with_the_same_places() {
        let places = |text: &str| {
            let mut all: Vec<char> = text.split('{').skip(1).filter_map(|p| p.chars().next()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        for word in W::ALL {
            let (en, ja) = (word.of(Lang::En), word.of(Lang::Ja));
            assert!(!en.is_empty() && !ja.is_empty(), "{word:?}");
            assert_eq!(places(en), places(ja), "{word:?}");
            assert!(en.is_ascii() || en.contains(['…', '–', '▲', '▼', '×']), "{word:?}");
        }
    }
}
