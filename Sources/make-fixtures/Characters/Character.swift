/// The three characters, which differ in shape and not only in color.
enum Character: String, CaseIterable {
    case pip = "pip_the_robot"
    case moss = "moss_the_dragon"
    case quill = "professor_quill"

    /// The color that the character has about half of the time; otherwise it has one of `Pose.wardrobe`.
    var signature: Color {
        switch self {
        case .pip: Color(0xF9C846)
        case .moss: Color(0x6FBF73)
        case .quill: Color(0x9A6A4F)
        }
    }

    /// The center of the face when the neck is straight.
    var face: Point {
        switch self {
        case .pip: Point(0, -0.2)
        case .moss: Point(0.45, -0.5)
        case .quill: Point(0, -0.3)
        }
    }

    /// Draws into the square from (-1, -1) to (1, 1), standing on y = 0.95.
    func draw(_ pose: Pose, on sketch: inout Sketch) {
        switch self {
        case .pip: drawPip(pose, on: &sketch)
        case .moss: drawMoss(pose, on: &sketch)
        case .quill: drawQuill(pose, on: &sketch)
        }
    }
}

/// The posture and mood of a character.
struct Pose {
    enum Mood: CaseIterable { case happy, laughing, surprised, grumpy, sleepy, winking }

    var mood: Mood
    /// The position of the pupils within the unit circle.
    var gaze: Point
    /// The angles of the raised limbs in degrees; 0 is hanging down.
    var left, right: Double
    /// The bend of neck and tail, -1...1.
    var sway: Double
    var color, accent: Color
    var hat: Hat

    static let wardrobe = [
        0xF9C846, 0x6FBF73, 0x9A6A4F, 0x63B3D9, 0xE9796B, 0xB08BD0, 0xF29CB7, 0x7D8CA3, 0x4FB0A5, 0xE3A857,
    ].map { Color($0) }

    init(of character: Character, _ random: inout RandomSource) {
        mood = random.pick(Mood.allCases)
        gaze = random.point(Point(-0.7, -0.5), Point(0.7, 0.5))
        left = random.number(10, 130)
        right = random.number(10, 130)
        sway = random.number(-1, 1)
        color = random.chance(50) ? character.signature : random.pick(Self.wardrobe)
        accent = random.pick([0xE4572E, 0x3D5A98, 0x2A9D8F, 0xF4A6C0, 0xFFD166, 0x7B4FA0].map { Color($0) })
        hat = random.chance(55) ? .none : random.pick(Hat.allCases)
    }
}

extension Sketch {
    /// Draws a round eye, whose lids and pupil depend on the mood.
    mutating func eye(_ center: Point, _ radius: Double, _ pose: Pose, winks: Bool = false) {
        if pose.mood == .laughing || (pose.mood == .winking && winks) {
            line(.arc(center, Point(radius, radius) * 0.8, from: 200, to: 340), width: 0.055)
            return
        }
        let white = Path.circle(center, radius)
        shape(white, .white)
        let pupil = radius * (pose.mood == .surprised ? 0.38 : 0.55)
        let middle = center + pose.gaze * (radius - pupil)
        fill(.circle(middle, pupil), .ink, inside: white)
        fill(.circle(middle + Point(-0.35, -0.35) * pupil, pupil * 0.35), .white, inside: white)
        guard pose.mood == .sleepy || pose.mood == .grumpy else { return }
        let inward = pose.mood == .grumpy ? (center.x < 0 ? 25.0 : -25.0) : 0
        let lid = Transform(move: center, turn: inward, scale: Point(radius, radius))
        fill(Path.rectangle(Point(-1.6, -1.6), Point(1.6, -0.1)).mapped(lid), pose.color.shade, inside: white)
        line(Path.polygon([Point(-0.97, -0.1), Point(0.97, -0.1)]).mapped(lid))
        line(white, closed: true)
    }

    /// Draws a mouth that extends by `width` on both sides of `center`.
    mutating func mouth(_ center: Point, _ width: Double, _ pose: Pose, color: Color = .ink) {
        let wide = Point(width, width * 0.75)
        switch pose.mood {
        case .happy, .winking: line(.arc(center, wide, from: 20, to: 160), color, width: 0.045)
        case .laughing:
            let open = Path.arc(center, Point(width, width * 1.1), from: 0, to: 180)
            fill(open, Color(0x7A1F2E))
            fill(.ellipse(center + Point(0, width), Point(width * 0.7, width * 0.5)), .blush, inside: open)
            line(open, color, width: 0.045, closed: true)
        case .surprised:
            fill(.ellipse(center + Point(0, width * 0.4), Point(width * 0.4, width * 0.5)), Color(0x7A1F2E))
            line(
                .ellipse(center + Point(0, width * 0.4), Point(width * 0.4, width * 0.5)), color, width: 0.04,
                closed: true)
        case .grumpy:
            line(.arc(center + Point(0, width * 0.8), wide, from: 205, to: 335), color, width: 0.045)
        case .sleepy:
            line(
                .polygon([
                    center + Point(-width * 0.5, width * 0.4), center + Point(width * 0.5, width * 0.3),
                ]), color, width: 0.045)
        }
    }
}
