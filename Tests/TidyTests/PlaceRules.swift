// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Rules that keep a thing in the one place it belongs to.
enum PlaceRules {
    /// All of them that look at one file.
    static let all = [sql, printing, nothingPublic, noTraps, unsafe, sleeping]

    /// The targets that are programs.
    static let programs: Set = ["batchd", "batchctl"]

    /// How statements begin, in lower case; both parts have to be there.
    private static let statements = [
        ("select ", " from "), ("insert ", " into "), ("update ", " set "), ("delete ", " from "),
        ("create ", " table "),
        ("alter ", " table "), ("drop ", " table "), ("truncate ", " table "),
    ]

    static let sql = Rule(claim: "SQL is written in BatchStore and Migrations only") { file in
        guard file.isProduct, file.target != "BatchStore" else { return [] }
        return file.scanned.indices.compactMap { index in
            let text = " " + file.scanned[index].literals.lowercased() + " "
            let isStatement = statements.contains { begin, then in
                text.trimmed.hasPrefix(begin) && (text.range(of: then).map { _ in true } ?? false)
            }
            return isStatement ? file.violation(index, "a statement: give it a function of Store") : nil
        }
    }

    static let printing = Rule(claim: "only the programs print") { file in
        guard file.isProduct, !programs.contains(file.target) else { return [] }
        return file.lines(withAnyOf: ["print", "debugPrint", "dump"]) { word, code in
            code.contains("\(word)(") && !code.contains("func \(word)(") && !code.contains(".\(word)(")
                ? "prints: return it, throw it, or log it" : nil
        }
    }

    static let nothingPublic = Rule(claim: "nothing is public: this is no library") { file in
        guard file.isProduct else { return [] }
        return file.lines(withAnyOf: ["public", "open"]) { word, code in
            code.trimmed.hasPrefix("\(word) ") ? "\(word): what other targets use is `package`" : nil
        }
    }

    static let noTraps = Rule(claim: "no input can trap: no try!, no fatalError") { file in
        file.lines(withAnyOf: ["try", "fatalError"]) { word, code in
            if word == "try" { return code.contains("try!") ? "try!: handle it or let it through" : nil }
            return file.isProduct && code.contains("fatalError(") ? "fatalError: throw an error that says why" : nil
        }
    }

    /// What the compiler cannot check stays in files on this list.
    static let uncheckedFiles: Set = [
        "Sources/Curl/EngineLoop.swift", "Sources/Curl/SocketPoller.swift", "Sources/Curl/PreparedHeaders.swift",
        "Sources/Curl/SharedBytes.swift",
        "Sources/Curl/Transfer.swift", "Sources/Postgres/Monitor.swift", "Sources/Postgres/OwnThread.swift",
        "Sources/batchd/Program/StopControl.swift", "Sources/batchd/Bench/Notify/NoticeReceiver.swift",
    ]

    static let unsafe = Rule(claim: "what the compiler cannot check is on a short list of files") { file in
        guard file.isProduct, !uncheckedFiles.contains(file.path) else { return [] }
        return file.lines(withAnyOf: ["@unchecked", "unsafe", "detached"]) { word, code in
            switch word {
            case "detached": code.contains("Task.detached") ? "a task without a parent" : nil
            case "unsafe": code.contains("nonisolated(unsafe)") ? "state without a guard" : nil
            default: "the compiler cannot check this type"
            }
        }
    }

    /// The test files that may sleep: they poll what gives no signal (another process), are a deadline, or play a slow
    /// peer.
    static let sleepingFiles: Set = [
        "Tests/CurlTests/TimeoutTests.swift", "Tests/HTTPTesting/TestSignal.swift",
        "Tests/PostgresTesting/Cluster.swift", "Tests/BatchTesting/Eventually.swift",
        "Tests/BrokerTesting/Eventually.swift", "Tests/ServerTesting/Eventually.swift",
    ]
    /// An hour stands for ever: who sleeps that long waits to be ended.
    private static let forEver = ".seconds(3_600)"

    static let sleeping = Rule(claim: "tests wait for signals: they do not sleep") { file in
        guard file.path.hasPrefix("Tests/"), !sleepingFiles.contains(file.path) else { return [] }
        return file.lines(withAnyOf: ["sleep", "usleep", "nanosleep"]) { word, code in
            code.contains("\(word)(") && !code.contains("func \(word)(") && !code.contains(forEver)
                ? "wait for a signal with a deadline" : nil
        }
    }

    /// The files of each program that read the environment: at most one per program, none elsewhere.
    static func environmentReaders(in files: [SourceFile]) -> [Violation] {
        var readers: [String: String] = [:]
        var violations: [Violation] = []
        for file in files where file.isProduct {
            let found = file.lines(withAnyOf: ["environment", "getenv", "environ"]) { word, code in
                code.contains("ProcessInfo.processInfo.environment") || word == "getenv" || word == "environ"
                    ? "reads the environment: take it as a parameter" : nil
            }
            guard !found.isEmpty else { continue }
            if programs.contains(file.target), readers[file.target] == nil {
                readers[file.target] = file.path
            } else {
                violations += found
            }
        }
        return violations
    }
}

extension SourceFile {
    /// A violation for each line whose code has one of `words` and for which `judge` finds something to say.
    func lines(withAnyOf words: Set<String>, judge: (_ word: String, _ code: String) -> String?) -> [Violation] {
        scanned.indices.compactMap { index in
            let code = scanned[index].code
            guard let word = scanned[index].words.first(where: words.contains), let what = judge(word, code) else {
                return nil
            }
            return violation(index, what)
        }
    }
}
