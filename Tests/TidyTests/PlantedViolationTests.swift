// SPDX-License-Identifier: Apache-2.0

import Testing

/// A rule that finds nothing proves nothing: each one is shown what it must find, and what it must let pass.
@Suite struct PlantedViolationTests {
    private static let head = "// SPDX-License-Identifier: Apache-2.0\n\n"

    private func lines(_ rule: Rule, _ text: String, at path: String = "Sources/BatchAPI/Plant.swift") -> [Int] {
        rule.violations(SourceFile(path: path, text: text)).map(\.line)
    }

    @Test func `a file without a license is found, behind a first line that programs read too`() {
        #expect(lines(TextRules.license, "import Foundation\n") == [1])
        #expect(lines(TextRules.license, "#!/usr/bin/env bash\nset -e\n", at: "Deploy/x") == [2])
        #expect(lines(TextRules.license, Self.head) == [])
        #expect(lines(TextRules.license, "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\n") == [])
    }

    @Test func `a long file, a long line and a long function are found`() {
        #expect(lines(TextRules.fileLength, String(repeating: "//\n", count: 401)) == [401])
        #expect(lines(TextRules.fileLength, String(repeating: "//\n", count: 400)) == [])
        #expect(lines(TextRules.lineLength, String(repeating: "é", count: 121) + "\n") == [1])
        #expect(lines(TextRules.lineLength, String(repeating: "é", count: 120) + "\n") == [])
        let body = String(repeating: "    work()\n", count: 69)
        #expect(lines(DeclarationRules.functionLength, "func long() {\n\(body)}\n") == [1])
        #expect(lines(DeclarationRules.functionLength, "func short() {\n\(body.dropLast(11))}\n") == [])
    }

    @Test func `unfinished marks and places on one machine are found as words`() {
        #expect(lines(TextRules.bannedWords, "x\n// TO" + "DO: later\n") == [2])
        #expect(lines(TextRules.bannedWords, "let TO" + "DOList = 1\n") == [])
        #expect(lines(TextRules.places, "let path = \"/t" + "mp/x\"\n") == [1])
    }

    @Test func `SQL outside of its two homes is found, prose is not`() {
        let statement = "let text = \"select id from batches\"\n"
        #expect(lines(PlaceRules.sql, statement) == [1])
        #expect(lines(PlaceRules.sql, "let text = \"\"\"\n    UPDATE batches\n    set x = 1 \"\"\"\n") == [])
        #expect(lines(PlaceRules.sql, "let text = \"\"\"\n    UPDATE batches set x = 1\n    \"\"\"\n") == [2])
        #expect(lines(PlaceRules.sql, statement, at: "Sources/BatchStore/Plant.swift") == [])
        #expect(lines(PlaceRules.sql, "// select the row from batches\nlet hint = \"create a file first\"\n") == [])
    }

    @Test func `printing outside of programs is found`() {
        #expect(lines(PlaceRules.printing, "print(\"x\")\n") == [1])
        #expect(lines(PlaceRules.printing, "print(\"x\")\n", at: "Sources/batchctl/Plant.swift") == [])
        #expect(lines(PlaceRules.printing, "let text = \"print(x)\"\nfoo.print(x)\n// print(x)\n") == [])
    }

    @Test func `public declarations, traps and unchecked types are found`() {
        #expect(lines(PlaceRules.nothingPublic, "public struct X {}\n") == [1])
        #expect(lines(PlaceRules.nothingPublic, "package struct X { let public = 1 }\n") == [])
        #expect(lines(PlaceRules.noTraps, "let x = try! f()\nfatalError(\"no\")\n") == [1, 2])
        #expect(lines(PlaceRules.noTraps, "let x = try f()\n// try! never\n") == [])
        #expect(lines(PlaceRules.unsafe, "struct X: @unchecked Sendable {}\nTask.detached {}\n") == [1, 2])
    }

    @Test func `sleeping tests are found, sleeping product code is not their business`() {
        #expect(lines(PlaceRules.sleeping, "try await Task.sleep(for: .seconds(1))\n", at: "Tests/X/Y.swift") == [1])
        #expect(lines(PlaceRules.sleeping, "try await Task.sleep(for: .seconds(1))\n") == [])
    }

    @Test func `a second reader of the environment is found`() {
        let text = "let value = ProcessInfo.processInfo.environment[\"X\"]\n"
        let first = SourceFile(path: "Sources/batchd/A.swift", text: text)
        let second = SourceFile(path: "Sources/batchd/B.swift", text: text)
        let room = SourceFile(path: "Sources/BatchWorker/C.swift", text: "getenv(\"X\")\n")
        #expect(PlaceRules.environmentReaders(in: [first]) == [])
        #expect(PlaceRules.environmentReaders(in: [first, second, room]).map(\.path) == [second.path, room.path])
    }

    @Test func `undocumented declarations are found at file and type level only`() {
        let text = """
            /// Documented.
            package struct A {
                let plain: Int
                package let seen: Int
                /// Documented.
                @inline(__always)
                func documented() { let inner = 1 }
                private let hidden = 1
                private(set) var shown = 1
                init() {}
            }
            private struct Hidden { let inside = 1 }
            func bare() {
                let inner = { (x: Int) in x }
            }
            extension A {
                var late: Int { 1 }
            }

            """
        #expect(lines(DeclarationRules.documentation, text) == [4, 13])
        #expect(lines(DeclarationRules.documentation, text, at: "Tests/X/Y.swift") == [])
    }

    @Test func `names that say nothing, foreign vocabulary and shadowed modules are found`() {
        #expect(
            lines(DeclarationRules.names, "struct BatchAPI {}\nstruct RetryHelper {}\nclass BatchJob {}\n") == [
                1, 2, 3,
            ])
        #expect(lines(DeclarationRules.names, "", at: "Sources/BatchAPI/StringUtils.swift") == [1])
        #expect(lines(DeclarationRules.names, "struct ChunkedBody {}\nstruct Managers {}\n") == [])
        #expect(lines(DeclarationRules.testNames, "@Test func works() {}\n", at: "Tests/X/Y.swift") == [1])
        #expect(lines(DeclarationRules.testNames, "@Test func `it works`() {}\n", at: "Tests/X/Y.swift") == [])
    }

    @Test func `code, literals and comments are told apart`() {
        let text = ##"""
            let a = "x // \(f("y", [1])) z" // c "d"
            let b = #"raw " \(no) \#(yes)"# /* e /* f */ g */ + 1
            func `it's "quoted"`() {}
            """##
        let scanned = SwiftScanner.scan(text)
        #expect(scanned[0].code == #"let a = "\(f("", [1]))" "#)
        #expect(scanned[0].literals == "x // y z")
        #expect(scanned[0].comments == #"// c "d""#)
        #expect(scanned[1].literals == #"raw " \(no) "#)
        #expect(scanned[1].comments == "/* e /* f */ g */")
        #expect(scanned[2].words.first == "func" && scanned[2].literals.isEmpty)
    }

    @Test func `an undeclared import and a list that climbs are found`() {
        let manifest = SourceFile(
            path: "Package.swift",
            text: """
                let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
                let package = Package(
                    targets: [
                        target("BatchStore", ["BatchCore", logging]),
                        target("BatchFiles", ["BatchStore", "CLibpq"]),
                    ])
                """)
        let law = ImportLaw(manifest: manifest)
        #expect(law.allowed["BatchStore"] == ["BatchCore", "Logging"])
        let file = SourceFile(
            path: "Sources/BatchStore/X.swift",
            text: "package import BatchCore\nimport Logging\nimport Foundation\nimport struct Crypto.SHA256\n")
        #expect(law.violations(in: file).map(\.line) == [4])
        #expect(law.brokenLists().count == 2)
    }
}
