#!/usr/bin/env bash
# Makes the packaged prompts: espeak-ng speaks the texts below, sox brings them to 16 kHz mono 16 bit, −20 dBFS RMS,
# with their peaks limited. Needs `apt-get install espeak-ng sox`. Usage: media/prompts/make-prompts.sh
set -euo pipefail
cd "$(dirname "$0")"

RMS_DBFS=-20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# from, to
level() {
  local rms gain
  rms=$(sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }')
  gain=$(awk -v rms="$rms" -v wanted="$RMS_DBFS" 'BEGIN { printf "%.2f", wanted + 1 - rms }')
  sox -D "$1" -b 16 "$2" gain -l "$gain" gain -1
}

# voice, language, kind, text
make() {
  local voice=$1 language=$2 kind=$3 text=$4
  mkdir -p "$language"
  espeak-ng -v "$voice" -s 165 -p 45 -w "$work/spoken.wav" "$text"
  # Rumble and what surrounds the speech go first, so that the level is that of speech.
  sox -D "$work/spoken.wav" "$work/trimmed.wav" \
    gain -6 highpass 120 silence 1 0.02 -50d reverse silence 1 0.02 -50d reverse rate -v 16k
  sox -D "$work/trimmed.wav" "$work/0.wav" pad 0.05 0.1
  # The limiter takes a little of the level: a second round gives it back.
  level "$work/0.wav" "$work/1.wav"
  level "$work/1.wav" "$language/$kind.wav"
}

en() { make en-us en "$@"; }
en start 'This call is being recorded.'
en stop 'Recording has stopped.'
en pause 'Recording is paused.'
en resume 'Recording has resumed.'
en compliance 'This call may be recorded for quality and compliance purposes.'
en failure 'This call cannot be recorded.'
en failure-proceed 'This call cannot be recorded. It continues without recording.'
en failure-end 'This call cannot be recorded and will now end. Goodbye.'

pt() { make pt-br pt-BR "$@"; }
pt start 'Esta chamada está sendo gravada.'
pt stop 'A gravação foi encerrada.'
pt pause 'A gravação está em pausa.'
pt resume 'A gravação foi retomada.'
pt compliance 'Esta chamada pode ser gravada para fins de qualidade e conformidade.'
pt failure 'Não é possível gravar esta chamada.'
pt failure-proceed 'Não é possível gravar esta chamada. Ela continua sem gravação.'
pt failure-end 'Não é possível gravar esta chamada e ela será encerrada. Até logo.'

es() { make es es "$@"; }
es start 'Esta llamada se está grabando.'
es stop 'La grabación se ha detenido.'
es pause 'La grabación está en pausa.'
es resume 'La grabación se ha reanudado.'
es compliance 'Esta llamada puede ser grabada por motivos de calidad y cumplimiento.'
es failure 'No es posible grabar esta llamada.'
es failure-proceed 'No es posible grabar esta llamada. La llamada continúa sin grabación.'
es failure-end 'No es posible grabar esta llamada y se terminará ahora. Adiós.'
