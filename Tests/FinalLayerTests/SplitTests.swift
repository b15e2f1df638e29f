import Testing

@testable import FinalLayer

@Suite struct SplitTests {
    /// Path, percentage by the rule of 2017, by that of 2016: what Python's `hashlib`, `re` and arithmetic give.
    static let vectors: [([UInt8], Double, Double)] = [
        (Array("images/homer/homer_0001.jpg".utf8), 36.87191335016424, 13.678187228198672),
        (Array("./images/homer/homer_0001.jpg".utf8), 3.1447001035861675, 40.34637979705501),
        (Array("flower_photos/daisy/photo1.jpg".utf8), 42.21080200531186, 47.72259098191806),
        (Array("flower_photos/daisy/photo1_nohash_2.jpg".utf8), 7.111781888542934, 64.93018997482261),
        (Array("flower_photos/daisy/photo1_nohash_17.png".utf8), 7.111781888542934, 64.93018997482261),
        (Array("a_nohash_b\nc_nohash_d".utf8), 63.74881017020948, 57.56313420309758),
        (Array("a_nohash_b\n".utf8), 76.70900506309424, 0.04119935912108034),
        ([0x63, 0x61, 0x66, 0xE9] + Array("/x.jpg".utf8), 45.43086845748773, 42.41855497062638),
        (Array("näe/ü.jpg".utf8), 74.34244881825484, 53.334859235523005),
        ([], 98.04821758008165, 2.7481498435950256),
        (Array("_nohash_".utf8), 98.04821758008165, 2.7481498435950256),
    ]

    @Test("gives retrain.py's percentage, to the last bit", arguments: vectors)
    func percentages(path: [UInt8], modulo27: Double, modulo16: Double) {
        #expect(Split().percentage(ofPath: path) == modulo27)
        #expect(Split(rule: .modulo16).percentage(ofPath: path) == modulo16)
    }

    @Test("takes validation from the bottom, then testing, and trains on the rest")
    func parts() {
        #expect(Split().part(ofPath: "images/homer/homer_0001.jpg") == .training)
        #expect(Split().part(ofPath: "./images/homer/homer_0001.jpg") == .validation)
        #expect(
            Split(testingPercentage: 10, validationPercentage: 3).part(
                ofPath: "./images/homer/homer_0001.jpg") == .testing)
        #expect(
            Split(testingPercentage: 0, validationPercentage: 0).part(ofPath: "./images/homer/homer_0001.jpg")
                == .training)
        #expect(Split(testingPercentage: 0, validationPercentage: 100).part(ofPath: "") == .validation)
    }

    @Test("joins folder, class and file as Python's os.path.join does")
    func joining() {
        #expect(Split.path(imageDirectory: "./a", folder: "b", file: "c.jpg") == "./a/b/c.jpg")
        #expect(Split.path(imageDirectory: "a/", folder: "b", file: "c.jpg") == "a/b/c.jpg")
        #expect(Split.path(imageDirectory: "", folder: "b", file: "c.jpg") == "b/c.jpg")
    }
}
