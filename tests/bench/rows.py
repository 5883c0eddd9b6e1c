"""rows.py - what bench.py measures, as data: our case beside its peers, by category.

A row: name, our case (as of bench_engine), goal in ns per stereo frame (None: none was set; {block: goal}: one per
block), what one unit is (divides ours), peers {name: command}. In commands, {block} is the block in frames, {build} the
build folder and {room} a file with a response of 2 s.

Peers have settings like ours where they have such a setting. Some do less: of the limiters only x42 dpl holds a true
peak; ffmpeg's chorus and echo read whole frames, without filters; its aphaser is a comb. Plug-ins marked mono are
run twice. ffmpeg's figures are differences of whole processes: a few ns are noise. PipeWire's are those of the process
that holds its chain.
"""
LSP = "http://lsp-plug.in/plugins/lv2/"
X42 = "http://gareus.org/oss/lv2/"
CALF = "http://calf.sourceforge.net/plugins/"
ZAM = "urn:zamaudio:"
DRAGONFLY = "urn:dragonfly:"

EQ4 = ("band1.on=on,band1.freq=100Hz,band1.gain=3dB,band2.on=on,band2.freq=400Hz,band2.gain=-3dB,"
       "band3.on=on,band3.freq=2.5kHz,band3.gain=2dB,band4.on=on,band4.freq=9kHz,band4.gain=-2dB")
EQ10 = ",".join(f"band{i}.on=on,band{i}.freq={f}Hz,band{i}.gain={'3' if i % 2 else '-3'}dB"
                for i, f in enumerate((31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 15000), 1))
LSP_EQ4 = (LSP + "para_equalizer_x16_stereo,ft_0=1,f_0=100,g_0=1.41,ft_1=1,f_1=400,g_1=0.71,"
           "ft_2=1,f_2=2500,g_2=1.26,ft_3=1,f_3=9000,g_3=0.8")
LSP_EQ10 = LSP + "para_equalizer_x16_stereo," + ",".join(
    f"ft_{i}=1,f_{i}={f},g_{i}={'1.41' if i % 2 else '0.71'}"
    for i, f in enumerate((31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 15000)))
GEQ31 = ",".join(f"band{i}.gain={'4' if i % 2 else '-3'}dB" for i in range(1, 32))
LSP_GEQ31 = LSP + "graph_equalizer_x32_stereo," + ",".join(
    f"g_{i}={'1.58' if i % 2 else '0.71'}" for i in range(32))
ZAM_GEQ29 = ZAM + "ZamGEQ31," + ",".join(f"band{i}={'4' if i % 2 else '-3'}" for i in range(1, 30))
LSP_COMP = LSP + "compressor_stereo,al=0.125,cr=3,at=10,rt=100"
LSP_MULTICOMP = LSP + "mb_compressor_stereo,cbe_2=1,sf_2=200,cbe_4=0,cbe_6=1,sf_6=2500,cr_0=2,cr_2=2,cr_6=2"
X42_EQ = X42 + "fil4#stereo,gain1=3,gain2=-3,gain3=2,gain4=-2"
X42_COMP = X42 + "darc#stereo"
LSP_LIMIT = LSP + "limiter_stereo,ovs=13"
X42_LIMIT = X42 + "dpl#stereo,truepeak=1"
CALF_EQ5 = CALF + ("Equalizer5Band,ls_active=1,p1_active=1,p2_active=1,p3_active=1,p1_level=1.4,p2_level=0.7,"
                   "p3_level=1.4,ls_level=1.3")
# what matcheq has learnt, in bands of 1/12 octave: a fall of 3 dB per octave, and a hollow in the middle
SPECTRUM = "ltas 20Hz 12/oct:"
LEARNT = (f"reference={SPECTRUM}" + " ".join(f"{-20 - 0.25 * b:.1f}" for b in range(121)) +
          f",source={SPECTRUM}" + " ".join(f"{-20 - 0.25 * b - (6 if 40 < b < 80 else 0):.1f}" for b in range(121)))
FFMPEG_EQ4 = ",".join(f"equalizer=f={f}:t=q:w=1:g={g}" for f, g in ((100, 3), (400, -3), (2500, 2), (9000, -2)))
FFMPEG_EQ10 = ",".join(f"equalizer=f={f}:t=q:w=1:g={'3' if i % 2 else '-3'}"
                       for i, f in enumerate((31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 15000), 1))
FFMPEG_MULTICOMP = ("mcompand='0.005\\,0.1 6 -47/-40\\,-34/-34\\,-17/-33 200 | "
                    "0.003\\,0.05 6 -47/-40\\,-34/-34\\,-17/-33 2500 | "
                    "0.000625\\,0.0125 6 -47/-40\\,-34/-34\\,-15/-33 22000'")
FFMPEG_FIR = "firequalizer=delay=0.085:gain_entry='entry(100,3);entry(400,-3);entry(2500,2);entry(9000,-2)'"


def lv2(*uris, copies=1):
    return ("bench_lv2", "{block}", str(copies), *uris)


def mono_lv2(uri):
    return lv2(uri, uri)


def ffmpeg(filters, form="fltp", seconds=40):
    return ("bench_ffmpeg.py", "{block}", filters, form, str(seconds))


def pipewire(copies, *nodes):
    return ("bench_pipewire.py", "{build}", "{block}", str(copies), *nodes)


def pipewire_eq(count):
    bands = (31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 15000)[-count:]
    node = 'label = bq_peaking control = { "Freq" = %d.0 "Q" = 1.0 "Gain" = 3.0 }'
    return pipewire(96 // count, *(node % f for f in bands))


LEVEL = [
    ("gain", "gain,gain=-6dB", None, 1, {"ffmpeg volume": ffmpeg("volume=-6dB")}),
    ("pan", "pan,pan=L30", None, 1, {"ffmpeg pan": ffmpeg("pan=stereo|c0=0.9*c0|c1=0.5*c1")}),
    ("balance", "balance,balance=L20", None, 1, {"x42": lv2(X42 + "balance")}),
    ("polarity", "polarity,invert=on", None, 1, {}),
    ("ms", "ms", None, 1, {"ffmpeg stereotools": ffmpeg("stereotools=mode=lr>ms", "dblp")}),
    ("width, mono below", "width,width=130%,mono_below=120Hz", None, 1,
     {"calf stereo tools": lv2(CALF + "StereoTools"), "ffmpeg extrastereo": ffmpeg("extrastereo=m=1.3")}),
    ("phase, iir", "phase,angle=90deg", None, 1,
     {"x42 phaserotate": lv2(X42 + "phaserotate#stereo"), "ffmpeg aphaseshift": ffmpeg("aphaseshift=shift=0.5")}),
    ("phase, fir", "phase,filter=fir,angle=90deg", None, 1, {}),
    ("align", "align,samples=100", None, 1,
     {"lsp": lv2(LSP + "comp_delay_stereo,samp=100"), "calf": lv2(CALF + "CompensationDelay,distance_m=1"),
      "ffmpeg adelay": ffmpeg("adelay=100S|100S")}),
    ("align, part of a frame", "align,samples=100.5", None, 1, {}),
    ("matrix 4 x 4", "matrix,inputs=4,outputs=4,out1.in2=-6dB,out1.in3=-6dB,out1.in4=-6dB", None, 1,
     {"x42 8 x 8 mono": lv2(X42 + "matrixmixer#i8o8")}),
    ("bus, 4 inputs", "bus+in2+in3+in4,inputs=4", None, 1, {}),
    ("feedback", "feedback", None, 1, {}),
    ("dc", "dc", None, 1, {"ffmpeg highpass": ffmpeg("highpass=f=5")}),
    ("generator", ">generator", None, 1, {"x42 test signal, mono": lv2(X42 + "testsignal")}),
    ("normalizer", "normalizer,frame=100ms,window=15", None, 1,
     {"ffmpeg dynaudnorm": ffmpeg("dynaudnorm=f=100:g=15,asetnsamples=n={block}:p=0", "dblp"),
      "ffmpeg speechnorm": ffmpeg("speechnorm")}),
    ("leveler", "leveler", None, 1, {"ffmpeg loudnorm": ffmpeg("loudnorm", "dblp", 8)}),
]

EQUALIZERS = [
    ("eq 4 bands", "eq," + EQ4, 5.0, 1,
     {"lsp": lv2(LSP_EQ4), "x42": lv2(X42_EQ), "calf": lv2(CALF_EQ5), "ffmpeg": ffmpeg(FFMPEG_EQ4),
      "pipewire": pipewire_eq(4)}),
    ("eq 10 bands", "eq," + EQ10, 12.0, 1,
     {"lsp": lv2(LSP_EQ10), "ffmpeg": ffmpeg(FFMPEG_EQ10), "pipewire": pipewire_eq(10)}),
    ("geq 31 bands", "geq," + GEQ31, 40.0, 1,
     {"lsp x32": lv2(LSP_GEQ31), "calf 30": lv2(CALF + "Equalizer30Band"), "zam 29 mono": mono_lv2(ZAM_GEQ29),
      "ffmpeg superequalizer 18": ffmpeg("superequalizer=1b=2:5b=0.5:10b=2")}),
    ("tilt", "tilt,gain=3dB", None, 1, {"ffmpeg tiltshelf": ffmpeg("tiltshelf=f=1000:g=3")}),
    ("eqlin, 4 bands, 8192 taps", "eqlin," + EQ4, None, 1,
     {"lsp fir": lv2(LSP_EQ4 + ",mode=1"), "ffmpeg firequalizer": ffmpeg(FFMPEG_FIR, "fltp", 8)}),
    ("matcheq, 8192 taps", "matcheq," + LEARNT, None, 1, {}),
    ("dyneq 1 band", "dyneq,band1.on=on,band1.threshold=-30dBFS", None, 1,
     {"zam mono": mono_lv2(ZAM + "ZamDynamicEQ"), "ffmpeg": ffmpeg("adynamicequalizer", "dblp")}),
    ("dyneq 4 bands", "dyneq,band1.on=on,band2.on=on,band3.on=on,band4.on=on", None, 1, {}),
    ("crossover, 3 bands", "crossover,bands=3", None, 1,
     {"lsp": lv2(LSP + "crossover_stereo"), "calf": lv2(CALF + "XOver3Band")}),
]

DYNAMICS = [
    ("comp", "comp,threshold=-18dBFS,ratio=3:1", 8.0, 1,
     {"lsp": lv2(LSP_COMP), "x42": lv2(X42_COMP), "calf": lv2(CALF + "Compressor"), "zam": lv2(ZAM + "ZamCompX2"),
      "ffmpeg": ffmpeg("acompressor=threshold=0.125:ratio=3:attack=10:release=100", "dblp")}),
    ("multicomp 3 bands", "multicomp,bands=3", 30.0, 1,
     {"lsp": lv2(LSP_MULTICOMP), "zam": lv2(ZAM + "ZaMultiCompX2"),
      "ffmpeg mcompand": ffmpeg(FFMPEG_MULTICOMP, "dblp", 20)}),
    ("multicomp 4 bands", "multicomp,bands=4", 40.0, 1, {"calf": lv2(CALF + "MultibandCompressor")}),
    # -15 dBFS: the material falls from -1 to -25 four times a second, so it opens and closes
    ("gate", "gate,threshold=-15dBFS,hold=20ms", 8.0, 1,
     {"lsp": lv2(LSP + "gate_stereo,gt=0.178"), "calf": lv2(CALF + "Gate,threshold=0.178"),
      "zam": lv2(ZAM + "ZamGateX2,thr=-15"), "ffmpeg": ffmpeg("agate=threshold=0.178", "dblp")}),
    ("expander", "expander,threshold=-15dBFS", None, 1,
     {"lsp": lv2(LSP + "expander_stereo"), "calf gate 2:1": lv2(CALF + "Gate,threshold=0.178,ratio=2")}),
    ("deesser", "deesser,amount=8dB", 12.0, 1, {"calf": lv2(CALF + "Deesser"), "ffmpeg": ffmpeg("deesser", "dblp")}),
    ("ducker", "ducker+key", None, 1,
     {"lsp": lv2(LSP + "sc_compressor_stereo"),
      "ffmpeg": ffmpeg("asplit[a][b];[a][b]sidechaincompress", "dblp")}),
    ("transient", "transient,attack=40,sustain=-20", None, 1, {"calf": lv2(CALF + "TransientDesigner")}),
    ("automix, 4 microphones", "automix+in2+in3+in4,inputs=4", None, 1, {}),
    ("limiter, true peak", "limiter,ceiling=-1dBTP", 20.0, 1,
     {"x42 dpl tp": lv2(X42_LIMIT), "lsp full x4": lv2(LSP_LIMIT),
      "calf 4x": lv2(CALF + "Limiter,limit=0.5,oversampling=4"),
      "ffmpeg at 192 kHz": ffmpeg("aresample=192000,alimiter=limit=0.89:level=0,aresample=48000", "dblp", 20)}),
    ("clipper, 4x adaa", "clipper,drive=12dB,ceiling=-1dBFS", None, 1,
     {"ffmpeg hard 4x": ffmpeg("asoftclip=type=hard:oversample=4", "dblp", 20)}),
    ("clipper, 2x adaa", "clipper,drive=12dB,ceiling=-1dBFS,oversample=2x", None, 1, {}),
    ("clipper, low latency", "clipper,drive=12dB,ceiling=-1dBFS,filter=low-latency", None, 1, {}),
    ("saturator, tanh 4x adaa", "saturator,drive=12dB", None, 1,
     {"calf": lv2(CALF + "Saturator,drive=5"), "ffmpeg 4x": ffmpeg("asoftclip=type=tanh:oversample=4", "dblp", 20)}),
    ("saturator, tape 4x adaa", "saturator,drive=12dB,curve=tape", None, 1,
     {"calf tape": lv2(CALF + "TapeSimulator"), "zam tube mono": mono_lv2(ZAM + "ZamTube")}),
    ("exciter", "exciter", None, 1, {"calf": lv2(CALF + "Exciter"), "ffmpeg": ffmpeg("aexciter", "dblp")}),
]

SPACE = [
    ("reverb, 16 lines", "reverb,mix=30%", 20.0, 1,
     {"calf": lv2(CALF + "Reverb"), "dragonfly room": lv2(DRAGONFLY + "room")}),
    ("plate", "plate,mix=30%", None, 1, {"dragonfly plate": lv2(DRAGONFLY + "plate")}),
    ("convolver, 2 s", "convolver,ir={room}", {64: 95.0, 256: 55.0, 1024: 55.0}, 1,
     {"zita": ("bench_zita", "{block}"),
      "pipewire": pipewire(4, 'label = convolver config = { filename = "{room}" }'),
      "ffmpeg afir": ffmpeg("anull[x];amovie={room}[ir];[x][ir]afir=minp={block}:maxp={block}", "fltp", 20)}),
    ("delay", "delay,time=350ms,high_cut=6kHz,low_cut=100Hz", None, 1,
     {"lsp slap delay": lv2(LSP + "slap_delay_stereo"), "calf vintage": lv2(CALF + "VintageDelay"),
      "zam mono": mono_lv2(ZAM + "ZamDelay"), "ffmpeg aecho": ffmpeg("aecho=0.8:0.9:350:0.3", "dblp")}),
    ("chorus, 4 voices", "chorus,voices=4", None, 1,
     {"calf": lv2(CALF + "MultiChorus,voices=4"),
      "ffmpeg": ffmpeg("chorus=0.5:0.9:50|60|40|55:0.4|0.32|0.3|0.4:0.25|0.4|0.3|0.35:2|2.3|1.3|1.8")}),
    ("flanger", "flanger,feedback=50%", None, 1,
     {"calf": lv2(CALF + "Flanger"), "ffmpeg": ffmpeg("flanger=regen=50", "dblp")}),
    ("phaser, 6 stages", "phaser,stages=6,feedback=40%", None, 1,
     {"calf": lv2(CALF + "Phaser,stages=6"), "ffmpeg aphaser": ffmpeg("aphaser", "dblp")}),
    ("tremolo", "tremolo", None, 1,
     {"calf pulsator": lv2(CALF + "Pulsator"), "ffmpeg": ffmpeg("tremolo=f=5:d=0.5", "dblp")}),
]

REPAIR = [
    ("denoise", "denoise", 60.0, 1,
     {"speexdsp, 480 frames": ("bench_speex", "480"), "ffmpeg afftdn": ffmpeg("afftdn=nr=12")}),
    ("denoise, low latency", "denoise,low_latency=on", None, 1, {}),
    ("dereverb", "dereverb", None, 1, {}),
    ("declick", "declick", None, 1, {"ffmpeg adeclick": ffmpeg("adeclick", "dblp", 2)}),
    ("declip", "declip", None, 1, {"ffmpeg adeclip": ffmpeg("adeclip", "dblp", 2)}),
    ("deplosive", "deplosive", None, 1, {}),
    ("dehum, notch", "dehum,base=50", None, 1,
     {"ffmpeg 10 bandrejects": ffmpeg(",".join(f"bandreject=f={50 * k}:t=h:w=2" for k in range(1, 11)))}),
    ("dehum, subtract", "dehum,base=50,mode=subtract", None, 1, {}),
]

ANALYSIS = [
    ("loudness, all", "loudness", None, 1,
     {"libebur128 I+LRA+TP": ("bench_ebur128", "milt", "{block}"),
      "ffmpeg ebur128": ffmpeg("ebur128=peak=true:framelog=verbose", "dbl", 20)}),
    ("spectrum", "spectrum", None, 1,
     {"lsp": lv2(LSP + "spectrum_analyzer_x2"), "calf": lv2(CALF + "Analyzer"),
      "x42 30 bands": lv2(X42 + "meters#spectr30stereo"),
      "ffmpeg aspectralstats": ffmpeg("aspectralstats", "fltp", 20)}),
    ("spectrogram", "spectrogram", None, 1, {}),
    ("scope", "scope", None, 1,
     {"x42 k20 + cor + gonio": lv2(X42 + "meters#K20stereo", X42 + "meters#COR", X42 + "meters#goniometer"),
      "lsp phase detector": lv2(LSP + "phase_detector")}),
    ("tap", "tap", None, 1, {"x42 bitmeter": lv2(X42 + "meters#bitmeter"), "ffmpeg astats": ffmpeg("astats", "dblp")}),
    ("silence", "silence", None, 1, {"ffmpeg silencedetect": ffmpeg("silencedetect=n=-60dB:d=0.5", "dblp")}),
    ("failover, 2 inputs", "failover+in2", None, 1, {}),
    ("dither, 16 bits", "dither", None, 1, {"ffmpeg": ffmpeg("aresample=osf=s16:dither_method=triangular")}),
    ("dither, shaped, 9 taps", "dither,shape=f-weighted", None, 1,
     {"ffmpeg": ffmpeg("aresample=osf=s16:dither_method=f_weighted")}),
]

GUESTS = [
    ("lv2, in mixd's process", "lv2:" + LSP_EQ4.replace("=1,f_", "=bell,f_") + ",isolate=none", None, 1,
     {"bare lilv": lv2(LSP_EQ4)}),
    ("lv2, in its own (our thread)", "lv2:" + LSP_EQ4.replace("=1,f_", "=bell,f_"), None, 1,
     {"bare lilv": lv2(LSP_EQ4)}),
]

CHAINS = [
    ("on-air chain", "onair", 50.0, 1, {"libebur128 + dpl": lv2(X42_LIMIT)}),
    ("strip (eq4 comp pan bus)", "strips:200", 10.4, 200,
     {"lsp": lv2(LSP_EQ4, LSP_COMP, copies=50), "x42": lv2(X42_EQ, X42_COMP, copies=50)}),
    ("strip, as many as a graph holds", "strips:1300", 10.4, 1300, {}),
]

CATEGORIES = [
    ("level and stereo", LEVEL), ("equalizers", EQUALIZERS), ("dynamics", DYNAMICS), ("space and effects", SPACE),
    ("repair", REPAIR), ("output and analysis", ANALYSIS), ("plug-ins of others", GUESTS), ("chains", CHAINS),
]
