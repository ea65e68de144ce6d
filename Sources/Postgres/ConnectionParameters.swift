// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// What libpq is told for one connection: the user's URL plus our defaults, split into one candidate for each host.
struct ConnectionParameters: Sendable {
    /// Keyword and value of one attempt.
    typealias Candidate = [String: String]

    /// The hosts in the order in which they are tried.
    let candidates: [Candidate]
    /// Longest time for one candidate.
    let connectTimeout: Duration

    /// Parses the URL. Throws `invalidConfiguration` without repeating the URL, which may contain a password.
    init(_ configuration: PoolConfiguration) throws {
        var values = try Self.parse(configuration.url)
        for (keyword, value) in Self.defaults where values[keyword] == nil { values[keyword] = value }
        if values["application_name"] == nil { values["application_name"] = configuration.applicationName }
        // Everything here is UTF-8; another client encoding would turn text into something else.
        values["client_encoding"] = "UTF8"
        if let seconds = values["connect_timeout"].flatMap({ Int64($0) }), seconds > 0 {
            connectTimeout = .seconds(seconds)
        } else {
            connectTimeout = configuration.connectTimeout
        }
        candidates = Self.candidates(of: values)
    }

    /// A dead network is noticed within about 25 s, an unacknowledged write within 10 s.
    private static let defaults: Candidate = [
        "tcp_user_timeout": "10000", "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5",
        "keepalives_count": "3",
    ]

    private static func parse(_ url: String) throws -> Candidate {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            PQfreemem(message)
            throw PostgresError(
                code: .invalidConfiguration,
                message: "the database URL is neither a postgresql:// URL nor a libpq connection string",
                hint: "write postgresql://user:password@host:5432/database and percent-encode special characters")
        }
        defer { PQconninfoFree(options) }
        var values: Candidate = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }

    /// libpq's own list of hosts has no time limit for each host when it connects without blocking, so each host is
    /// an attempt of its own here.
    private static func candidates(of values: Candidate) -> [Candidate] {
        let hosts = list(values["host"])
        let addresses = list(values["hostaddr"])
        let ports = list(values["port"])
        let count = max(hosts.count, addresses.count)
        if count <= 1 { return [values] }
        let single = (0..<count).map { index in
            var candidate = values
            candidate["host"] = index < hosts.count ? hosts[index] : nil
            candidate["hostaddr"] = index < addresses.count ? addresses[index] : nil
            candidate["port"] = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : nil
            return candidate
        }
        let wanted = values["target_session_attrs"] ?? "read-write"
        let rounds = wanted == "prefer-standby" ? ["standby", "any"] : [wanted]
        return rounds.flatMap { round in
            single.map { $0.merging(["target_session_attrs": round]) { _, new in new } }
        }
    }

    private static func list(_ value: String?) -> [String] {
        value?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    }
}
