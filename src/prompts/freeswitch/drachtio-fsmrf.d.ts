declare module 'drachtio-fsmrf' {
  const Mrf: new (srf: unknown) => unknown;
  export default Mrf;
}
